package dev.sluice.model.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.TestModels;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.shard.MicroBatch;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The reference against {@link PlainModel}, on models of every architecture and variant. Both
 * compute in doubles, so that what is left is the rounding of logits to floats (half a unit in the
 * last place, 2^-24 of the logit), that of the shape's derived scales, which are floats, and for
 * two shards that of the activations between them: all within 1e-5 of logits that are about 10 at
 * most.
 */
class ReferencePlainTest {
  private static final double TOLERANCE = 1e-5;
  private static final int TOKENS = 40;

  @TempDir Path folder;

  static Stream<TestModels> models() {
    return Stream.concat(
        Stream.of(
            TestModels.of("phi3", 1).window(7),
            TestModels.of("phi3", 2).longRope(16),
            TestModels.of("phi3", 3).longRope(512),
            TestModels.of("gpt2", 4),
            TestModels.of("gpt2", 5).tied(true),
            TestModels.of("gemma2", 6).layers(4).window(5),
            TestModels.of("gemma3", 7).layers(7).window(5).linear(8),
            TestModels.of("llama", 8).yarn(4, 32),
            TestModels.of("llama", 9).linear(3),
            TestModels.of("llama", 10).llama3Factors(),
            TestModels.of("llama", 11).sinusoidal(),
            TestModels.of("llama", 12).heads(6, 1).biases(),
            TestModels.of("qwen2", 13),
            TestModels.of("qwen3", 14).headLength(24),
            TestModels.of("sluice", 16),
            TestModels.of("sluice", 17).sinusoidal().plainGelu().tied(true),
            TestModels.of("sluice", 18).plainGelu()),
        TestModels.ARCHITECTURES.stream()
            .flatMap(a -> IntStream.range(20, 23).mapToObj(seed -> TestModels.random(a, seed))));
  }

  @ParameterizedTest
  @MethodSource("models")
  void shouldEqualThePlainFormulas(TestModels model) {
    try (GgufFile file = GgufFile.open(model.write(folder))) {
      int vocabulary = (int) file.tensor("token_embd.weight").rows();
      int[] tokens = new Random(vocabulary).ints(TOKENS, 0, vocabulary).toArray();
      double[][] expected = new PlainModel(file).logits(tokens);
      try (ShardChain whole = ShardChain.reference(file, 1);
          ShardChain two = ShardChain.reference(file, 2)) {
        check(model, expected, whole.next(0, 0, tokens));
        // In pieces: a chunk, single steps, a chunk.
        double[][] pieces = new double[TOKENS][];
        int[] ends = {9, 10, 11, 12, TOKENS};
        for (int i = 0, start = 0; i < ends.length; start = ends[i++]) {
          int[] piece = Arrays.copyOfRange(tokens, start, ends[i]);
          System.arraycopy(two.next(1, start, piece), 0, pieces, start, piece.length);
        }
        check(model, expected, pieces);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void shouldNotSeeTheBatchsOtherMembers(TestModels model) {
    try (GgufFile file = GgufFile.open(model.write(folder));
        ShardChain chain = ShardChain.reference(file, 1)) {
      int vocabulary = (int) file.tensor("token_embd.weight").rows();
      int[] tokens = new Random(vocabulary).ints(11, 0, vocabulary).toArray();
      double[][] alone = chain.next(0, 0, Arrays.copyOfRange(tokens, 3, 8));
      chain.release(0);
      MicroBatch batch = new MicroBatch(3);
      batch.add(1, 0, 3, 0);
      batch.add(0, 0, 5, MicroBatch.LAST_LOGITS);
      batch.add(3, 0, 3, MicroBatch.ALL_LOGITS);
      double[][] together = chain.run(batch, tokens);
      assertThat(together).hasDimensions(4, vocabulary);
      assertThat(together[0]).isEqualTo(alone[4]);
    }
  }

  private static void check(TestModels model, double[][] expected, double[][] logits) {
    for (int p = 0; p < expected.length; p++) {
      for (int i = 0; i < expected[p].length; i++) {
        assertThat(Math.abs(logits[p][i] - expected[p][i]))
            .as("%s, position %d, logit %d: %s", model, p, i, expected[p][i])
            .isLessThan(TOLERANCE);
      }
    }
  }
}
