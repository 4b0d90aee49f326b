package dev.sluice.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Logits of a whole model in one shard. */
public final class Logits {
  private Logits() {}

  /**
   * Logits after each of the tokens, which go through in one batch: {@code [tokens x vocabulary]}.
   */
  public static float[] of(ModelShard shard, int... tokens) {
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
      shard.release(0);
      return output.toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  /** The root mean square of the difference, as a share of that of {@code expected}. */
  public static double difference(float[] actual, float[] expected) {
    double error = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      error += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(error / size);
  }
}
