package dev.sluice.stages.link;

import dev.sluice.model.shard.MicroBatch;
import java.lang.foreign.MemorySegment;

/**
 * The entries and logits of one micro-batch, from the pool of a {@link SamplerInput}. Between
 * {@link SamplerInput#tryAcquire} and {@link SamplerInput#publish} it belongs to the shard's
 * thread, from then on to the stream, which gives it back.
 */
public final class LogitsBuffer implements SamplerWork.Step {
  private final SamplerInput pool;
  private final MicroBatch batch;
  private final MemorySegment logits;
  private int epoch;
  private long microBatch;

  LogitsBuffer(SamplerInput pool, int maxEntries, MemorySegment logits) {
    this.pool = pool;
    batch = new MicroBatch(maxEntries);
    this.logits = logits;
  }

  /** The entries; the shard's thread fills them, and the shard marks those that fail. */
  public MicroBatch batch() {
    return batch;
  }

  /** Off-heap f32 rows, as many as the pool was made for, each as long as the vocabulary. */
  public MemorySegment logits() {
    return logits;
  }

  int epoch() {
    return epoch;
  }

  long microBatch() {
    return microBatch;
  }

  void number(int newEpoch, long newMicroBatch) {
    epoch = newEpoch;
    microBatch = newMicroBatch;
  }

  /** The stream needs it no longer. */
  void recycle() {
    pool.recycle(this);
  }
}
