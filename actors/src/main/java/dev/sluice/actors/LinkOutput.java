package dev.sluice.actors;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.FrameType;
import dev.sluice.transport.PayloadType;
import java.lang.foreign.MemorySegment;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Sends activations to the next stage. Holds one frame at a time; while it is not sent, nothing
 * else is taken.
 */
final class LinkOutput implements StageOutput {
  private final FrameSender sender;
  private final MicroBatch batch;
  private final MemorySegment buffer;
  private final UnsafeBuffer bytes;
  private final int width;
  private final Frame frame = new Frame();
  private byte[] control = new byte[1024];
  private final UnsafeBuffer controlBytes = new UnsafeBuffer(control);
  private boolean pending;

  /**
   * An output with one buffer.
   *
   * @param buffer off-heap room for the rows of the largest micro-batch
   * @param width elements of a row
   */
  LinkOutput(FrameSender sender, int maxEntries, MemorySegment buffer, int width) {
    this.sender = sender;
    this.batch = new MicroBatch(maxEntries);
    this.buffer = buffer;
    this.width = width;
    this.bytes = new UnsafeBuffer(buffer.address(), Math.toIntExact(buffer.byteSize()));
  }

  @Override
  public boolean acquire() {
    if (pending) {
      return false;
    }
    batch.clear();
    return true;
  }

  @Override
  public MicroBatch batch() {
    return batch;
  }

  @Override
  public MemorySegment buffer() {
    return buffer;
  }

  @Override
  public void publish(int epoch, long microBatch) {
    publish(FrameType.STEP, epoch, microBatch, true);
  }

  @Override
  public void replay(int epoch, long microBatch, boolean rows) {
    publish(FrameType.REPLAY, epoch, microBatch, rows);
  }

  private void publish(FrameType type, int epoch, long microBatch, boolean rows) {
    frame.reset(type, epoch, microBatch);
    for (int i = 0; i < batch.entries(); i++) {
      frame.addEntry(batch.slot(i), batch.startPosition(i), batch.tokenCount(i), batch.flags(i));
    }
    if (rows) {
      frame.payload(PayloadType.F32, width, bytes, 0, batch.rows() * width * Float.BYTES);
    }
    pending = true;
  }

  @Override
  public boolean open(Frame received) {
    forward(received);
    return true;
  }

  @Override
  public boolean close(Frame received) {
    forward(received);
    return true;
  }

  /** Control frames are copied: the received one is gone before the other is sent. */
  private void forward(Frame received) {
    int length = received.payloadLength();
    if (length > control.length) {
      control = new byte[Math.max(length, 2 * control.length)];
      controlBytes.wrap(control);
    }
    received.payloadBuffer().getBytes(received.payloadOffset(), control, 0, length);
    frame.reset(received.type(), received.epoch(), received.microBatch());
    for (int i = 0; i < received.entries(); i++) {
      frame.addEntry(
          received.slot(i), received.startPosition(i), received.tokenCount(i), received.flags(i));
    }
    frame.payload(received.payloadType(), received.width(), controlBytes, 0, length);
    pending = true;
  }

  @Override
  public boolean flush() {
    if (pending) {
      long position = sender.offer(frame);
      if (position == FrameSender.CLOSED) {
        throw new IllegalStateException("the link to the next stage is closed");
      }
      pending = position <= 0;
    }
    return !pending;
  }
}
