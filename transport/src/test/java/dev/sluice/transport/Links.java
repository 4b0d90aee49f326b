package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** What tests of links share. Waits end by the tests' time limits. */
final class Links {
  private Links() {}

  /** A frame that was received, copied. */
  record Copy(
      FrameType type,
      int epoch,
      long microBatch,
      List<List<Integer>> entries,
      PayloadType payloadType,
      int width,
      ByteBuffer payload) {
    static Copy of(Frame frame) {
      List<List<Integer>> entries = new ArrayList<>();
      for (int i = 0; i < frame.entries(); i++) {
        entries.add(
            List.of(frame.slot(i), frame.startPosition(i), frame.tokenCount(i), frame.flags(i)));
      }
      byte[] payload = new byte[frame.payloadLength()];
      frame.payloadBuffer().getBytes(frame.payloadOffset(), payload);
      return new Copy(
          frame.type(),
          frame.epoch(),
          frame.microBatch(),
          entries,
          frame.payloadType(),
          frame.width(),
          ByteBuffer.wrap(payload));
    }
  }

  /** Keeps what it gets. */
  static final class Collector implements FrameHandler {
    final List<Copy> frames = new ArrayList<>();
    final List<Integer> broken = new ArrayList<>();
    final List<String> reasons = new ArrayList<>();

    @Override
    public boolean onFrame(Frame frame) {
      assertThat((frame.payloadBuffer().addressOffset() + frame.payloadOffset()) % 16).isZero();
      frames.add(Copy.of(frame));
      return true;
    }

    @Override
    public void onBroken(int epoch, String reason) {
      broken.add(epoch);
      reasons.add(reason);
    }
  }

  /** A frame with drawn entries and payload; the payload lies off the heap. */
  static Frame random(Random random, int epoch, long microBatch, int entries, int payloadBytes) {
    Frame frame = new Frame().reset(FrameType.STEP, epoch, microBatch);
    for (int i = 0; i < entries; i++) {
      frame.addEntry(
          random.nextInt(1 << 20), random.nextInt(1 << 20), random.nextInt(512), random.nextInt());
    }
    byte[] bytes = new byte[payloadBytes];
    random.nextBytes(bytes);
    return frame.payload(PayloadType.BYTES, 0, direct(bytes), 0, payloadBytes);
  }

  static DirectBuffer direct(byte[] bytes) {
    UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(bytes.length));
    buffer.putBytes(0, bytes);
    return buffer;
  }

  /** Lets the driver's thread run, where cores are few; ends when the test's time is over. */
  static void idle() {
    LockSupport.parkNanos(10_000);
    if (Thread.interrupted()) {
      throw new IllegalStateException("waited too long");
    }
  }

  static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      idle();
    }
  }

  static void awaitConnected(FrameSender sender, FrameReceiver receiver) {
    await(() -> sender.isConnected() && receiver.isConnected());
  }

  /** Sends and polls by turns, on this thread, until the frame is sent. */
  static void send(FrameSender sender, Frame frame, FrameReceiver receiver, FrameHandler handler) {
    while (true) {
      long result = sender.offer(frame);
      if (result > 0) {
        return;
      }
      assertThat(result).isNotEqualTo(FrameSender.CLOSED);
      receiver.poll(handler, 10);
      idle();
    }
  }

  static void pollUntil(FrameReceiver receiver, FrameHandler handler, BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      if (receiver.poll(handler, 10) == 0) {
        idle();
      }
    }
  }
}
