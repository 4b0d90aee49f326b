package dev.sluice.actors;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.link.LogitsBuffer;
import dev.sluice.stages.link.SamplerInput;
import dev.sluice.transport.Frame;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Hands the last stage's logits to the sampling stream; its pool of buffers is the bound. */
final class SamplerOutput implements StageOutput {
  private final SamplerInput sampler;
  private final int[] slots;
  private @Nullable LogitsBuffer current;

  SamplerOutput(SamplerInput sampler, int maxSequences) {
    this.sampler = sampler;
    this.slots = new int[maxSequences];
  }

  @Override
  public boolean acquire() {
    if (current == null) {
      current = sampler.tryAcquire();
    }
    return current != null;
  }

  @Override
  public MicroBatch batch() {
    return acquired().batch();
  }

  @Override
  public MemorySegment buffer() {
    return acquired().logits();
  }

  @Override
  public void publish(int epoch, long microBatch) {
    LogitsBuffer buffer = acquired();
    current = null;
    sampler.publish(buffer, epoch, microBatch);
  }

  /** Its entry asks for no logits, so the sampler only answers. */
  @Override
  public void replay(int epoch, long microBatch, boolean rows) {
    publish(epoch, microBatch);
  }

  @Override
  public boolean open(Frame frame) {
    return sampler.tryOpen(
        frame.epoch(),
        frame.slot(0),
        frame.payloadBuffer(),
        frame.payloadOffset(),
        frame.payloadLength());
  }

  @Override
  public boolean close(Frame frame) {
    int count = Math.min(frame.entries(), slots.length);
    for (int i = 0; i < count; i++) {
      slots[i] = frame.slot(i);
    }
    return sampler.tryClose(frame.epoch(), frame.microBatch(), slots, count);
  }

  @Override
  public boolean flush() {
    return true;
  }

  private LogitsBuffer acquired() {
    LogitsBuffer buffer = current;
    if (buffer == null) {
      throw new IllegalStateException("no buffer was acquired");
    }
    return buffer;
  }
}
