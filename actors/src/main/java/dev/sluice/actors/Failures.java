package dev.sluice.actors;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.link.SampleFailure;
import org.jspecify.annotations.Nullable;

/** Texts of the failure codes that travel with micro-batches. */
final class Failures {
  private Failures() {}

  /**
   * The end of a sentence that begins with the name of the stage.
   *
   * @param lastError what the stage's shard said when it threw last
   */
  static String text(int failure, @Nullable String lastError) {
    return switch (failure) {
      case MicroBatch.NO_KV_PAGES ->
          " had no free pages in its KV cache, or the sequence is longer than the context";
      case MicroBatch.NON_FINITE ->
          " computed NaN or infinite numbers: the weights are damaged, or the model needs more"
              + " precision than the file gives";
      case MicroBatch.SHARD_ERROR -> " failed: " + (lastError == null ? "unknown" : lastError);
      case SampleFailure.BAD_SEQUENCE -> " does not know how to sample the sequence";
      case SampleFailure.GRAMMAR ->
          " cannot go on by the grammar: no token fits both it and the bias, it names a token that"
              + " the vocabulary lacks, or it is too ambiguous";
      default -> " failed with code " + failure;
    };
  }
}
