package dev.sluice.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** Frames as the fragments that a link delivers, and what can happen to these. */
final class Wire {
  private static final int MAX_MESSAGE = 96 << 10;

  private Wire() {}

  /** A fragment of a message, with Aeron's flags. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Fragment(byte[] bytes, boolean begin, boolean end) {
    Fragment with(int index, int value) {
      byte[] changed = bytes.clone();
      changed[index] = (byte) value;
      return new Fragment(changed, begin, end);
    }

    Fragment cut(int length) {
      return new Fragment(Arrays.copyOf(bytes, length), begin, end);
    }
  }

  /** What a sender makes of a frame, with small messages and fragments. */
  static List<Fragment> fragments(Frame frame, long sequence, int fragmentBytes) {
    return fragments(frame, sequence, fragmentBytes, null);
  }

  /** The same on a sealed link. */
  static List<Fragment> fragments(
      Frame frame, long sequence, int fragmentBytes, @Nullable Sealer sealer) {
    List<Fragment> all = new ArrayList<>();
    try (FrameEncoder encoder = new FrameEncoder()) {
      int header = FrameLayout.startHeader(frame.entries());
      int sent = Math.min(frame.payloadLength(), MAX_MESSAGE - header);
      encoder.start(frame, sequence, 42, encoder.payloadCrc(frame), sent);
      split(all, message(encoder, header, frame, 0, sent, sealer), fragmentBytes);
      while (sent < frame.payloadLength()) {
        int length = Math.min(frame.payloadLength() - sent, MAX_MESSAGE - FrameLayout.PART_HEADER);
        encoder.part(frame.epoch(), sequence, sent, length);
        byte[] part = message(encoder, FrameLayout.PART_HEADER, frame, sent, length, sealer);
        split(all, part, fragmentBytes);
        sent += length;
      }
    }
    return all;
  }

  private static byte[] message(
      FrameEncoder encoder,
      int header,
      Frame frame,
      int from,
      int length,
      @Nullable Sealer sealer) {
    if (sealer == null) {
      byte[] bytes = new byte[header + length];
      encoder.buffer().getBytes(0, bytes, 0, header);
      frame.payloadBuffer().getBytes(frame.payloadOffset() + from, bytes, header, length);
      return bytes;
    }
    int offset = frame.payloadOffset() + from;
    sealer.seal(frame.epoch(), encoder.buffer(), header, frame.payloadBuffer(), offset, length);
    byte[] bytes = new byte[sealer.message().capacity()];
    sealer.message().getBytes(0, bytes);
    return bytes;
  }

  private static void split(List<Fragment> all, byte[] message, int fragmentBytes) {
    for (int at = 0; at < message.length; at += fragmentBytes) {
      int to = Math.min(message.length, at + fragmentBytes);
      all.add(new Fragment(Arrays.copyOfRange(message, at, to), at == 0, to == message.length));
    }
  }

  /** A fragment somewhere in a buffer, like in a term. */
  static UnsafeBuffer term(Fragment fragment, int offset) {
    UnsafeBuffer term = new UnsafeBuffer(new byte[offset + fragment.bytes().length]);
    term.putBytes(offset, fragment.bytes());
    return term;
  }

  /** A bit that flips, a fragment that is lost, doubled, moved or cut, a message that is lost. */
  static void fault(Random random, List<Fragment> wire) {
    int at = random.nextInt(wire.size());
    Fragment fragment = wire.get(at);
    int size = fragment.bytes().length;
    switch (random.nextInt(7)) {
      case 0, 1 -> {
        // Most of the damage where the headers are.
        int index = random.nextInt(random.nextBoolean() ? Math.min(size, 80) : size);
        wire.set(at, fragment.with(index, fragment.bytes()[index] ^ 1 << random.nextInt(8)));
      }
      case 2 -> wire.remove(at);
      case 3 -> wire.add(at, fragment);
      case 4 -> {
        // A whole message: the one that begins here or later.
        while (at < wire.size() && !wire.get(at).begin()) {
          at++;
        }
        boolean end = at == wire.size();
        while (!end) {
          end = wire.remove(at).end();
        }
      }
      case 5 -> wire.add(random.nextInt(wire.size()), wire.remove(at));
      default -> wire.set(at, fragment.cut(random.nextInt(size)));
    }
  }
}
