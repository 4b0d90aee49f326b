package dev.sluice.actors.scheduling;

/** Says what a failure was, for the one who asked. */
@FunctionalInterface
public interface FailureText {
  /**
   * The text.
   *
   * @param stage index of the stage that failed
   * @param failure its code, of {@link dev.sluice.model.shard.MicroBatch}
   * @return one sentence that names stage, layers and cause
   */
  String of(int stage, int failure);
}
