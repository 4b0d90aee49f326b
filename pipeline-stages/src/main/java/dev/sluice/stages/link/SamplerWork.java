package dev.sluice.stages.link;

/**
 * What the last shard's thread hands to the sampling stage, in the order in which it came down the
 * pipeline.
 */
public sealed interface SamplerWork {

  /**
   * A sequence begins (again, when its slot was open already).
   *
   * @param epoch of the pipeline
   * @param slot of the sequence
   * @param payload a {@code SequenceOpen} message, as it came
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over once, from one owner to the next
  record Opened(int epoch, int slot, byte[] payload) implements SamplerWork {}

  /** A micro-batch has been through all layers. */
  sealed interface Step extends SamplerWork permits LogitsBuffer {}

  /**
   * Sequences have ended: nothing of them is left on any stage before.
   *
   * @param epoch of the pipeline
   * @param microBatch number of the frame that said so
   * @param slots of the sequences
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over once, from one owner to the next
  record Closed(int epoch, long microBatch, int[] slots) implements SamplerWork {}
}
