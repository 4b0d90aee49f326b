package dev.sluice.actors;

import dev.sluice.actors.scheduling.LinkCommand;
import dev.sluice.stages.link.SequenceOpenCodec;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.FrameType;
import dev.sluice.transport.PayloadType;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.function.IntUnaryOperator;
import org.agrona.ExpandableArrayBuffer;

/**
 * The head's end of the link to the first stage: commands in, frames out, in order. What the link
 * does not take waits here; the scheduler's limits bound how much that can be. For one thread at a
 * time.
 */
final class HeadLinks {
  private static final int SPINS = 16;

  private final FrameSender sender;
  private final int epoch;
  private final ArrayDeque<LinkCommand> waiting = new ArrayDeque<>();
  private final Frame frame = new Frame();
  private final ExpandableArrayBuffer payload = new ExpandableArrayBuffer(4096);
  private boolean encoded;
  private long lastStep;

  HeadLinks(FrameSender sender, int epoch) {
    this.sender = sender;
    this.epoch = epoch;
  }

  void send(LinkCommand command) {
    waiting.addLast(command);
  }

  /**
   * Sends as much as the link takes.
   *
   * @return whether nothing waits any more
   * @throws IllegalStateException when the link is closed
   */
  boolean flush() {
    LinkCommand command;
    while ((command = waiting.peekFirst()) != null) {
      if (!encoded) {
        encode(command);
        encoded = true;
      }
      if (!offer()) {
        return false;
      }
      encoded = false;
      waiting.removeFirst();
    }
    return true;
  }

  private boolean offer() {
    for (int i = 0; i < SPINS; i++) {
      long position = sender.offer(frame);
      if (position > 0) {
        return true;
      }
      if (position == FrameSender.CLOSED) {
        throw new IllegalStateException("the link to the first stage is closed");
      }
      if (position == FrameSender.NOT_CONNECTED) {
        return false;
      }
      Thread.onSpinWait();
    }
    return false;
  }

  private void encode(LinkCommand command) {
    switch (command) {
      case LinkCommand.Open open -> {
        int[] tokens = new int[open.tokenCount()];
        for (int i = 0; i < tokens.length; i++) {
          tokens[i] = open.token(i);
        }
        int length =
            SequenceOpenCodec.encode(
                payload,
                0,
                open.request().sampling(),
                tokens,
                tokens.length,
                open.request().promptLength());
        frame
            .reset(FrameType.OPEN, epoch, open.kept().sequence())
            .addEntry(open.slot(), open.kept().positions(), 0, open.kept().rebuilt())
            .payload(PayloadType.BYTES, 0, payload, 0, length);
        if (open.shares()) {
          frame.addEntry(open.sharedFrom(), 0, open.kept().positions(), 0);
        }
      }
      case LinkCommand.Step step -> {
        lastStep = step.number();
        frame.reset(FrameType.STEP, epoch, step.number());
        for (int i = 0; i < step.entries(); i++) {
          frame.addEntry(step.slot(i), step.startPosition(i), step.tokenCount(i), step.flags(i));
        }
        tokens(step.rows(), step::token);
      }
      case LinkCommand.Replay replay -> {
        lastStep = replay.number();
        frame
            .reset(FrameType.REPLAY, epoch, replay.number())
            .addEntry(replay.slot(), replay.startPosition(), replay.tokenCount(), 0);
        if (replay.rows()) {
          tokens(replay.tokenCount(), replay::token);
        }
      }
      case LinkCommand.Close close ->
          frame.reset(FrameType.CLOSE, epoch, lastStep).addEntry(close.slot(), 0, 0, 0);
    }
  }

  private void tokens(int count, IntUnaryOperator token) {
    for (int row = 0; row < count; row++) {
      payload.putInt(row * Integer.BYTES, token.applyAsInt(row), ByteOrder.nativeOrder());
    }
    frame.payload(PayloadType.I32, 1, payload, 0, count * Integer.BYTES);
  }
}
