package dev.sluice.model.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.model.TestModels;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoraAdapterTest {
  private static final String TARGET = "blk.0.attn_q.weight";

  @TempDir private Path folder;

  private Path write(GgufWriter writer) {
    Path file = folder.resolve("adapter.gguf");
    writer.write(file);
    return file;
  }

  @Test
  void shouldReadWhatItWrote() {
    LowRank query = TestAdapters.pair(TARGET, 6, 4, 2, 1);
    LowRank down = TestAdapters.pair("blk.1.ffn_down.weight", 3, 5, 1, 2);
    LoraAdapter adapter =
        LoraAdapter.read(write(LoraAdapter.writer("llama", 16, List.of(query, down))));
    assertThat(adapter.pairs()).hasSize(2);
    LowRank read = adapter.find(TARGET).orElseThrow();
    assertThat(read.a()).isEqualTo(query.a());
    assertThat(read.b()).isEqualTo(query.b());
    assertThat(new int[] {read.inputs(), read.outputs(), read.rank()}).containsExactly(6, 4, 2);
    assertThat(adapter.factor(read)).isEqualTo(8);
    assertThat(adapter.factor(adapter.find("blk.1.ffn_down.weight").orElseThrow())).isEqualTo(16);
    assertThat(adapter.find("output.weight")).isEmpty();
  }

  @Test
  void shouldReadHalfFloatsAndTakeNoAlphaForTheRank() {
    Path file =
        write(
            LoraAdapter.writer("llama", 0, List.of())
                .tensor(TARGET + ".lora_a", GgmlType.F16, new float[] {1, 2, 3, 4}, 2, 2)
                .tensor(TARGET + ".lora_b", GgmlType.F16, new float[] {5, 6}, 2, 1));
    LoraAdapter adapter = LoraAdapter.read(file);
    LowRank pair = adapter.find(TARGET).orElseThrow();
    assertThat(pair.a()).containsExactly(1, 2, 3, 4);
    assertThat(adapter.factor(pair)).isEqualTo(1);
  }

  @Test
  void shouldMergeAnyPartOfAMatrix() {
    LowRank pair = TestAdapters.pair(TARGET, 6, 4, 3, 5);
    LoraAdapter adapter = LoraAdapter.read(write(LoraAdapter.writer("llama", 6, List.of(pair))));
    for (int first = 0; first < 24; first++) {
      for (int count = 0; first + count <= 24; count++) {
        float[] values = new float[count + 1];
        adapter.merge(pair, 0.5f, first, values, count);
        for (int i = 0; i < count; i++) {
          double sum = 0;
          for (int k = 0; k < 3; k++) {
            sum += pair.b()[(first + i) / 6 * 3 + k] * pair.a()[k * 6 + (first + i) % 6];
          }
          assertThat((double) values[i]).isCloseTo(sum, within(1e-6)); // 0.5 * 6 / 3 is 1
        }
        assertThat(values[count]).isZero();
      }
    }
  }

  @Test
  void shouldRefuseWhatIsNoAdapter() {
    refused(
        write(TestModels.of("llama", 1).writer()), "is no LoRA adapter: general.type is missing");
    refused(
        write(LoraAdapter.writer("llama", 1, List.of()).string("adapter.type", "other")),
        "adapter.type is 'other', expected 'lora'");
    refused(write(LoraAdapter.writer("llama", 1, List.of())), "adapts nothing");
    refused(write(LoraAdapter.writer("llama", Float.NaN, List.of())), "adapter.lora.alpha is NaN");
    refused(folder.resolve("missing.gguf"), "no such file");
  }

  @Test
  void shouldRefuseTensorsThatMakeNoPair() {
    float[] six = new float[6];
    GgufWriter only = LoraAdapter.writer("llama", 1, List.of());
    refused(
        write(only.tensor(TARGET + ".lora_a", six, 3, 2)),
        TARGET + ".lora_a has no partner " + TARGET + ".lora_b");
    refused(
        write(only.tensor(TARGET + ".lora_b", six, 3, 2)),
        TARGET + ".lora_b has shape [3, 2], expected [2, outputs]");
    refused(
        write(LoraAdapter.writer("llama", 1, List.of()).tensor(TARGET + ".lora_b", six, 3, 2)),
        TARGET + ".lora_b has no partner");
    refused(
        write(LoraAdapter.writer("llama", 1, List.of()).tensor(TARGET, six, 3, 2)),
        "neither a .lora_a nor a .lora_b");
    float[] bad = {1, 2, 3, Float.POSITIVE_INFINITY, 5, 6};
    refused(
        write(
            LoraAdapter.writer("llama", 1, List.of())
                .tensor(TARGET + ".lora_a", bad, 3, 2)
                .tensor(TARGET + ".lora_b", six, 2, 3)),
        "holds Infinity as element 3");
  }

  @Test
  void shouldRefuseAModelThatItDoesNotFit() {
    Path model = TestModels.of("llama", 1).write(folder);
    try (GgufFile file = GgufFile.open(model)) {
      LoraAdapter.read(adapter("llama", TARGET, 64, 64)).check(file);
      unfit(adapter("qwen2", TARGET, 64, 64), file, "architecture 'qwen2'");
      unfit(adapter("llama", TARGET, 64, 32), file, TARGET + " of shape [64, 32]");
      unfit(adapter("llama", TARGET, 64, 32), file, "it has shape [64, 64]");
      unfit(adapter("llama", "blk.7.attn_q.weight", 64, 64), file, "it is missing");
    }
  }

  private Path adapter(String architecture, String target, int inputs, int outputs) {
    return write(
        LoraAdapter.writer(
            architecture, 1, List.of(TestAdapters.pair(target, inputs, outputs, 2, 1))));
  }

  private static void unfit(Path adapter, GgufFile model, String message) {
    LoraAdapter read = LoraAdapter.read(adapter);
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> read.check(model))
        .withMessageContaining("adapter.gguf")
        .withMessageContaining(message);
  }

  private static void refused(Path file, String message) {
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> LoraAdapter.read(file))
        .withMessageContaining(file.toString())
        .withMessageContaining(message);
  }

  @Test
  void shouldRefuseArraysOfAnotherLength() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LowRank(TARGET, 3, 3, 2, new float[6], new float[5]))
        .withMessageContaining(TARGET);
  }
}
