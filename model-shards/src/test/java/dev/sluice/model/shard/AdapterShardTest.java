package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.model.Logits;
import dev.sluice.model.TestModels;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.LoraAdapter;
import dev.sluice.model.lora.ScaledAdapter;
import dev.sluice.model.lora.TestAdapters;
import dev.sluice.model.quantize.ModelQuantizer;
import dev.sluice.model.reference.ReferenceShards;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A model with adapters beside it answers as the model with the adapters merged into its weights,
 * and as the reference, which merges in double precision.
 */
class AdapterShardTest {
  private static final double TOLERANCE = 1e-3;
  private static final int TOKENS = 24;
  private static final WorkerPool POOL = new WorkerPool(2);

  @TempDir private Path folder;

  @AfterAll
  static void closePool() {
    POOL.close();
  }

  static Stream<TestModels> models() {
    return TestModels.ARCHITECTURES.stream()
        .flatMap(a -> IntStream.range(0, 2).mapToObj(seed -> TestModels.random(a, seed)));
  }

  @ParameterizedTest
  @MethodSource("models")
  void shouldAnswerAsTheMergedModel(TestModels model) {
    try (GgufFile file = GgufFile.open(model.write(folder))) {
      List<ScaledAdapter> adapters =
          List.of(
              new ScaledAdapter(TestAdapters.random(file, 1, folder.resolve("1.gguf")), 0.5f),
              new ScaledAdapter(TestAdapters.random(file, 2, folder.resolve("2.gguf")), -0.25f));
      Path merged = folder.resolve("merged.gguf");
      new ModelQuantizer(file, GgmlType.F32, _ -> false, adapters).write(merged, POOL, _ -> {});
      float[] expected;
      try (GgufFile mergedFile = GgufFile.open(merged);
          ModelShard shard = ModelShards.load(mergedFile, options(file), POOL)) {
        expected = logits(shard);
      }
      ShardOptions adapted = options(file).withAdapters(adapters);
      try (ModelShard shard = ModelShards.load(file, adapted, POOL)) {
        check(model, logits(shard), expected);
      }
      try (ModelShard shard = ReferenceShards.load(file, adapted)) {
        check(model, logits(shard), expected);
      }
      try (ModelShard plain = ModelShards.load(file, options(file), POOL)) {
        assertThat(Logits.difference(logits(plain), expected)).isGreaterThan(0.05);
      }
    }
  }

  private static ShardOptions options(GgufFile file) {
    int layers = ModelSpec.of(file).layers();
    return new ShardOptions(LayerRange.all(layers), KvType.F32, 64, 1, TOKENS, TOKENS);
  }

  private static float[] logits(ModelShard shard) {
    int vocabulary = shard.spec().vocabularySize();
    return Logits.of(shard, new Random(1).ints(TOKENS, 0, vocabulary).toArray());
  }

  private static void check(TestModels model, float[] actual, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("%s, logit %d", model, i)
          .isCloseTo(expected[i], within(TOLERANCE));
    }
  }

  @Test
  void shouldChangeNothingWithAScaleOfZero() {
    try (GgufFile file = GgufFile.open(TestModels.of("qwen3", 1).write(folder))) {
      LoraAdapter adapter = TestAdapters.random(file, 1, folder.resolve("a.gguf"));
      ShardOptions none = options(file).withAdapters(List.of(new ScaledAdapter(adapter, 0)));
      try (ModelShard plain = ModelShards.load(file, options(file), POOL);
          ModelShard shard = ModelShards.load(file, none, POOL)) {
        assertThat(logits(shard)).isEqualTo(logits(plain));
      }
    }
  }

  @Test
  void shouldRefuseAdaptersThatDoNotFit() {
    Path path = folder.resolve("a.gguf");
    try (GgufFile file = GgufFile.open(TestModels.of("llama", 1).write(folder))) {
      refuse(file, path, "blk.2.attn_k.weight", 64, 64, "blk.2.attn_k.weight of shape [64, 64]");
      refuse(file, path, "blk.3.attn_k.weight", 64, 32, "it is missing");
      refuse(file, path, "token_embd.weight", 64, 128, "works only merged");
    }
  }

  private static void refuse(
      GgufFile file, Path path, String target, int inputs, int outputs, String message) {
    LoraAdapter.writer("llama", 1, List.of(TestAdapters.pair(target, inputs, outputs, 2, 1)))
        .write(path);
    ScaledAdapter adapter = new ScaledAdapter(LoraAdapter.read(path), 1);
    ShardOptions options = options(file).withAdapters(List.of(adapter));
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> ModelShards.load(file, options, POOL).close())
        .withMessageContaining("a.gguf")
        .withMessageContaining(message);
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> ReferenceShards.load(file, options).close())
        .withMessageContaining(message);
  }
}
