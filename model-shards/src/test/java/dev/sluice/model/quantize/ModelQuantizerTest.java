package dev.sluice.model.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.model.Fixtures;
import dev.sluice.model.Logits;
import dev.sluice.model.TestModels;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.LoraAdapter;
import dev.sluice.model.lora.LowRank;
import dev.sluice.model.lora.ScaledAdapter;
import dev.sluice.model.lora.TestAdapters;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ModelShards;
import dev.sluice.model.shard.ShardOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelQuantizerTest {
  private static final WorkerPool POOL = new WorkerPool(2);

  @TempDir private Path folder;

  @AfterAll
  static void closePool() {
    POOL.close();
  }

  private Path quantize(Path model, GgmlType type) {
    Path out = folder.resolve(type + ".gguf");
    try (GgufFile file = GgufFile.open(model)) {
      new ModelQuantizer(file, type, _ -> false, List.of()).write(out, POOL, _ -> {});
    }
    return out;
  }

  /** 256 wide, so that every type fits. */
  private Path wideModel() {
    return TestModels.of("llama", 3)
        .layers(2)
        .embedding(256)
        .feedForward(256)
        .vocabulary(64)
        .write(folder);
  }

  private static float[] logits(Path model) {
    try (GgufFile file = GgufFile.open(model)) {
      ModelSpec spec = ModelSpec.of(file);
      ShardOptions options =
          new ShardOptions(LayerRange.all(spec.layers()), KvType.F32, 64, 1, 32, 32);
      int[] tokens = new Random(1).ints(32, 0, spec.vocabularySize()).toArray();
      try (ModelShard shard = ModelShards.load(file, options, POOL)) {
        return Logits.of(shard, tokens);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 0",
    "F16, 0.002",
    "BF16, 0.02",
    "Q8_0, 0.03",
    "Q6_K, 0.07",
    "Q5_K, 0.12",
    "Q5_1, 0.14",
    "Q5_0, 0.16",
    "Q4_K, 0.25",
    "Q4_1, 0.25",
    "Q4_0, 0.32"
  })
  void shouldGiveModelsThatAnswerAlmostAsTheOriginal(GgmlType type, double tolerance) {
    Path model = wideModel();
    assertThat(Logits.difference(logits(quantize(model, type)), logits(model)))
        .isLessThanOrEqualTo(tolerance);
  }

  @ParameterizedTest
  @CsvSource({"Q8_0, 0.03", "Q4_K, 0.3"})
  void shouldQuantizeTheFixture(GgmlType type, double tolerance) {
    Path model = Fixtures.path("models/llama-f32.gguf");
    assertThat(Logits.difference(logits(quantize(model, type)), logits(model)))
        .isLessThanOrEqualTo(tolerance);
  }

  @Test
  void shouldChooseTypesAsOtherEnginesDo() {
    try (GgufFile file = GgufFile.open(quantize(wideModel(), GgmlType.Q4_K))) {
      assertThat(file.metadata().integer("general.file_type")).isEqualTo(14);
      assertThat(file.metadata().integer("general.quantization_version")).isEqualTo(2);
      assertThat(file.metadata().string("general.name")).isEqualTo("random-llama");
      assertThat(file.tensor("output.weight").type()).isEqualTo(GgmlType.Q6_K);
      assertThat(file.tensor("token_embd.weight").type()).isEqualTo(GgmlType.Q4_K);
      assertThat(file.tensor("blk.0.ffn_down.weight").type()).isEqualTo(GgmlType.Q4_K);
      assertThat(file.tensor("blk.0.attn_norm.weight").type()).isEqualTo(GgmlType.F32);
      assertThat(file.tensor("blk.0.attn_output.weight").columns()).isEqualTo(64);
      assertThat(file.tensor("blk.0.attn_output.weight").type()).isEqualTo(GgmlType.Q5_0);
    }
    Path tied = TestModels.of("sluice", 4).embedding(256).tied(true).write(folder);
    try (GgufFile file = GgufFile.open(quantize(tied, GgmlType.Q4_0))) {
      assertThat(file.tensor("token_embd.weight").type()).isEqualTo(GgmlType.Q6_K);
    }
    Path odd = TestModels.of("llama", 5).embedding(48).write(folder);
    try (GgufFile model = GgufFile.open(odd)) {
      ModelQuantizer quantizer =
          new ModelQuantizer(model, GgmlType.Q6_K, "blk.1.attn_q.weight"::equals, List.of());
      assertThat(change(quantizer, "blk.0.attn_q.weight").type()).isEqualTo(GgmlType.F16);
      assertThat(change(quantizer, "blk.0.attn_q.weight").fallsBack()).isTrue();
      assertThat(change(quantizer, "blk.0.attn_output.weight").type()).isEqualTo(GgmlType.Q8_0);
      assertThat(change(quantizer, "blk.1.attn_q.weight").type()).isEqualTo(GgmlType.F32);
      assertThat(change(quantizer, "blk.1.attn_q.weight").fallsBack()).isFalse();
    }
  }

  private static TensorChange change(ModelQuantizer quantizer, String name) {
    return quantizer.changes().stream()
        .filter(change -> change.tensor().name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void shouldGiveTheSameBytesWithAnyThreadsAndFromASplitFile() throws IOException {
    Path whole = quantize(wideModel(), GgmlType.Q4_K);
    Path split = Files.createDirectory(folder.resolve("split"));
    List<Path> parts =
        TestModels.of("llama", 3)
            .layers(2)
            .embedding(256)
            .feedForward(256)
            .vocabulary(64)
            .writer()
            .writeSplit(split, "m", 3);
    Path other = folder.resolve("other.gguf");
    List<Long> progress = new ArrayList<>();
    try (GgufFile file = GgufFile.open(parts.get(1));
        WorkerPool alone = new WorkerPool(1)) {
      ModelQuantizer quantizer = new ModelQuantizer(file, GgmlType.Q4_K, _ -> false, List.of());
      quantizer.write(other, alone, progress::add);
      assertThat(progress).isSorted().endsWith(quantizer.elements());
    }
    assertThat(other).hasSameBinaryContentAs(whole);
  }

  @Test
  void shouldMergeAdapters() {
    Path model = TestModels.of("llama", 6).write(folder);
    Path merged = folder.resolve("merged.gguf");
    try (GgufFile file = GgufFile.open(model)) {
      LoraAdapter adapter = TestAdapters.random(file, 1, folder.resolve("a.gguf"));
      new ModelQuantizer(file, GgmlType.F32, _ -> false, List.of(new ScaledAdapter(adapter, 0.5f)))
          .write(merged, POOL, _ -> {});
      try (GgufFile after = GgufFile.open(merged)) {
        for (GgufTensor tensor : file.tensors()) {
          float[] expected = elements(tensor);
          LowRank pair = adapter.find(tensor.name()).orElse(null);
          if (pair != null) {
            adapter.merge(pair, 0.5f, 0, expected, expected.length);
            assertThat(expected).isNotEqualTo(elements(tensor));
          }
          assertThat(elements(after.tensor(tensor.name()))).isEqualTo(expected);
        }
      }
    }
  }

  private static float[] elements(GgufTensor tensor) {
    float[] elements = new float[(int) tensor.elements()];
    Dequantizer.dequantize(tensor.type(), tensor.data(), 0, elements, 0, elements.length);
    return elements;
  }

  @Test
  void shouldSayWhichWeightIsAtFaultAndLeaveNothingBehind() throws IOException {
    float[] values = new float[32 * 64];
    values[70] = Float.NaN;
    Path model = folder.resolve("model.gguf");
    new GgufWriter()
        .string("general.architecture", "llama")
        .tensor("blk.0.attn_q.weight", values, 32, 64)
        .write(model);
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> quantize(model, GgmlType.Q4_0))
        .withMessageContaining("model.gguf")
        .withMessageContaining("blk.0.attn_q.weight cannot become Q4_0")
        .withMessageContaining("value 70 is NaN");
    values[70] = 70_000;
    new GgufWriter().tensor("blk.0.attn_q.weight", values, 32, 64).write(model);
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> quantize(model, GgmlType.F16))
        .withMessageContaining("value 70 is 70000.0");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(model);
    }
  }

  @Test
  void shouldRefuseWhatItCannotDo() {
    Path model = TestModels.of("llama", 6).write(folder);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantize(model, GgmlType.IQ4_XS))
        .withMessageContaining("IQ4_XS");
    Path empty = folder.resolve("empty.gguf");
    new GgufWriter().string("general.architecture", "llama").write(empty);
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> quantize(empty, GgmlType.Q4_0))
        .withMessageContaining("nothing to quantize");
  }
}
