package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.model.TestModels;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.PackedMatrix;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.reference.ReferenceShards;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The engine against the reference's written-out formulas, for every architecture and variant. The
 * engine sums in F32: logits of size 10 through a few layers differ by some 1e-5.
 */
class VectorAgainstReferenceTest {
  private static final double TOLERANCE = 1e-3;

  /** Where activations are rounded to 12 bits: some 0.05 % of each product, against logits of 5. */
  private static final double PACKED_TOLERANCE = 0.03;

  private static final int TOKENS = 40;

  @TempDir private Path folder;

  static Stream<TestModels> models() {
    return Stream.concat(
        Stream.of(
            TestModels.of("phi3", 1).window(7),
            TestModels.of("phi3", 2).longRope(16),
            TestModels.of("phi3", 3).longRope(512).tied(true),
            TestModels.of("gpt2", 4).type(GgmlType.Q8_0),
            TestModels.of("gpt2", 5).tied(true),
            TestModels.of("gemma2", 6).layers(4).window(5),
            TestModels.of("gemma3", 7).layers(7).window(5).linear(8),
            TestModels.of("llama", 8).yarn(4, 32),
            TestModels.of("llama", 9).linear(3),
            TestModels.of("llama", 10).llama3Factors(),
            TestModels.of("llama", 11).sinusoidal(),
            TestModels.of("llama", 12).heads(6, 1).biases(),
            TestModels.of("llama", 15).window(6),
            TestModels.of("qwen2", 13).type(GgmlType.Q4_0),
            TestModels.of("qwen3", 14).headLength(24),
            TestModels.of("sluice", 16),
            TestModels.of("sluice", 17).sinusoidal().plainGelu().tied(true),
            TestModels.of("sluice", 18).plainGelu()),
        TestModels.ARCHITECTURES.stream()
            .flatMap(a -> IntStream.range(100, 104).mapToObj(s -> TestModels.random(a, s))));
  }

  @ParameterizedTest
  @MethodSource("models")
  void shouldEqualTheReference(TestModels model) {
    try (GgufFile file = GgufFile.open(model.write(folder));
        WorkerPool pool = new WorkerPool(2)) {
      ModelSpec spec = ModelSpec.of(file);
      int[] tokens = new Random(1).ints(TOKENS, 0, spec.vocabularySize()).toArray();
      ShardOptions options =
          new ShardOptions(LayerRange.all(spec.layers()), KvType.F32, 256, 1, TOKENS, TOKENS);
      boolean packed = file.tensors().stream().anyMatch(t -> PackedMatrix.supports(t.type()));
      double tolerance = packed ? PACKED_TOLERANCE : TOLERANCE;
      float[] expected;
      try (ModelShard reference = ReferenceShards.load(file, options)) {
        expected = logits(reference, tokens);
      }
      try (ModelShard shard = ModelShards.load(file, options, pool)) {
        float[] actual = logits(shard, tokens);
        for (int i = 0; i < expected.length; i++) {
          assertThat((double) actual[i])
              .as("%s, position %d", model, i / spec.vocabularySize())
              .isCloseTo(expected[i], within(tolerance));
        }
      }
    }
  }

  static float[] logits(ModelShard shard, int[] tokens) {
    MicroBatch batch = new MicroBatch(1);
    batch.add(0, 0, tokens.length, MicroBatch.ALL_LOGITS);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment input = arena.allocateFrom(ValueLayout.JAVA_INT, tokens);
      MemorySegment output =
          arena.allocate(
              ValueLayout.JAVA_FLOAT, (long) tokens.length * shard.spec().vocabularySize());
      shard.reserve(batch, 0);
      shard.forward(batch, 0, input, output);
      assertThat(batch.failure(0)).isEqualTo(MicroBatch.FINE);
      return output.toArray(ValueLayout.JAVA_FLOAT);
    }
  }
}
