package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.Fixtures;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.reference.ReferenceShards;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What rounding activations to 12 bits changes: the distribution of the next token hardly, and the
 * most likely token only where two are about as likely.
 */
class PackedAccuracyTest {
  private static final double MEAN_DIVERGENCE = 1e-4;
  private static final double MARGIN = 0.05;
  private static final int TOKENS = 120;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama256-q8_0",
        "llama256-q4_0",
        "llama256-q4_k_m",
        "llama256-q5_k_m",
        "llama256-q6_k"
      })
  void shouldStayNearTheReference(String model) {
    try (GgufFile file = GgufFile.open(Fixtures.path("models/" + model + ".gguf"));
        WorkerPool pool = new WorkerPool(2)) {
      ModelSpec spec = ModelSpec.of(file);
      int[] tokens = new Random(1).ints(TOKENS, 0, spec.vocabularySize()).toArray();
      ShardOptions options =
          new ShardOptions(LayerRange.all(spec.layers()), KvType.F32, 256, 1, TOKENS, TOKENS);
      float[] expected;
      float[] actual;
      try (ModelShard reference = ReferenceShards.load(file, options)) {
        expected = VectorAgainstReferenceTest.logits(reference, tokens);
      }
      try (ModelShard shard = ModelShards.load(file, options, pool)) {
        actual = VectorAgainstReferenceTest.logits(shard, tokens);
      }
      int vocabulary = spec.vocabularySize();
      double divergence =
          IntStream.range(0, TOKENS)
              .mapToDouble(t -> divergence(expected, actual, t * vocabulary, vocabulary))
              .average()
              .orElseThrow();
      assertThat(divergence).isLessThan(MEAN_DIVERGENCE);
      for (int t = 0; t < TOKENS; t++) {
        int first = largest(expected, t * vocabulary, vocabulary, -1);
        int second = largest(expected, t * vocabulary, vocabulary, first);
        if (expected[first] - expected[second] > MARGIN) {
          assertThat(largest(actual, t * vocabulary, vocabulary, -1)).isEqualTo(first);
        }
      }
    }
  }

  /** Kullback-Leibler divergence of two distributions given by logits, in nats. */
  private static double divergence(float[] p, float[] q, int from, int count) {
    double pSum = logSumExp(p, from, count);
    double qSum = logSumExp(q, from, count);
    double sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += Math.exp(p[i] - pSum) * (p[i] - pSum - q[i] + qSum);
    }
    return sum;
  }

  private static double logSumExp(float[] logits, int from, int count) {
    double max = logits[largest(logits, from, count, -1)];
    double sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += Math.exp(logits[i] - max);
    }
    return max + Math.log(sum);
  }

  private static int largest(float[] logits, int from, int count, int except) {
    int best = from == except ? from + 1 : from;
    for (int i = from; i < from + count; i++) {
      best = i != except && logits[i] > logits[best] ? i : best;
    }
    return best;
  }
}
