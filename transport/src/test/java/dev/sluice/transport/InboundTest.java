package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.slf4j.helpers.NOPLogger;

/** Fragments as a link delivers them, and as it never should. */
class InboundTest {
  private static final int MAX_PAYLOAD = 1 << 20;
  private static final int MAX_MESSAGE = 96 << 10;

  /** A fresh one for every try: tries of a property share this object. */
  private EpochLedger ledger = ledger();

  private static EpochLedger ledger() {
    return new EpochLedger(LinkAddress.ipc(1), new LimitedLog(NOPLogger.NOP_LOGGER));
  }

  /** A fragment of a message, with Aeron's flags. */
  private static final class Fragment {
    private final byte[] bytes;
    private final boolean begin;
    private final boolean end;

    Fragment(byte[] bytes, boolean begin, boolean end) {
      this.bytes = bytes;
      this.begin = begin;
      this.end = end;
    }

    Fragment with(int index, int value) {
      byte[] changed = bytes.clone();
      changed[index] = (byte) value;
      return new Fragment(changed, begin, end);
    }

    Fragment cut(int length) {
      return new Fragment(Arrays.copyOf(bytes, length), begin, end);
    }
  }

  /** What a sender makes of frames, with small messages and fragments. */
  private static List<Fragment> fragments(Frame frame, long sequence, int fragmentBytes) {
    List<Fragment> all = new ArrayList<>();
    try (FrameEncoder encoder = new FrameEncoder()) {
      int header = FrameLayout.startHeader(frame.entries());
      int sent = Math.min(frame.payloadLength(), MAX_MESSAGE - header);
      encoder.start(frame, sequence, 42, encoder.payloadCrc(frame), sent);
      split(all, message(encoder, header, frame, 0, sent), fragmentBytes);
      while (sent < frame.payloadLength()) {
        int length = Math.min(frame.payloadLength() - sent, MAX_MESSAGE - FrameLayout.PART_HEADER);
        encoder.part(frame.epoch(), sequence, sent, length);
        split(all, message(encoder, FrameLayout.PART_HEADER, frame, sent, length), fragmentBytes);
        sent += length;
      }
    }
    return all;
  }

  private static byte[] message(
      FrameEncoder encoder, int header, Frame frame, int from, int length) {
    byte[] bytes = new byte[header + length];
    encoder.buffer().getBytes(0, bytes, 0, header);
    frame.payloadBuffer().getBytes(frame.payloadOffset() + from, bytes, header, length);
    return bytes;
  }

  private static void split(List<Fragment> all, byte[] message, int fragmentBytes) {
    for (int at = 0; at < message.length; at += fragmentBytes) {
      int to = Math.min(message.length, at + fragmentBytes);
      all.add(new Fragment(Arrays.copyOfRange(message, at, to), at == 0, to == message.length));
    }
  }

  private void feed(Inbound inbound, Fragment fragment, List<Links.Copy> delivered) {
    // Somewhere in a buffer, like in a term.
    int length = fragment.bytes.length;
    UnsafeBuffer term = new UnsafeBuffer(new byte[32 + length]);
    term.putBytes(32, fragment.bytes);
    if (inbound.onFragment(term, 32, length, fragment.begin, fragment.end)) {
      if (!ledger.isStale(inbound.frame().epoch())) {
        inbound.attach();
        delivered.add(Links.Copy.of(inbound.frame()));
        inbound.frame().detach();
      }
      inbound.taken();
    }
  }

  @Property(tries = 200)
  void shouldNeverDeliverWhatWasNotSent(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int faults) {
    ledger = ledger();
    Random random = new Random(seed);
    List<Links.Copy> sent = new ArrayList<>();
    List<Fragment> wire = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      int payload = random.nextInt(4) == 0 ? random.nextInt(300_000) : random.nextInt(3_000);
      Frame frame = Links.random(random, 1, i, random.nextInt(200), payload);
      sent.add(Links.Copy.of(frame));
      wire.addAll(fragments(frame, i, random.nextBoolean() ? 992 : 8_192));
    }
    for (int i = 0; i < faults; i++) {
      fault(random, wire);
    }
    // A frame lost at the end shows when another one comes.
    Frame last = Links.random(random, 1, 12, 3, 1_000);
    sent.add(Links.Copy.of(last));
    wire.addAll(fragments(last, 12, 992));
    List<Links.Copy> delivered = new ArrayList<>();
    try (Inbound inbound = new Inbound(ledger, MAX_PAYLOAD)) {
      wire.forEach(fragment -> feed(inbound, fragment, delivered));
      // Each that came is one that was sent, none is missing in between.
      assertThat(delivered).isEqualTo(sent.subList(0, delivered.size()));
      if (delivered.size() < sent.size() && !delivered.isEmpty()) {
        LinkCounters counters = ledger.counters;
        assertThat(counters.gaps() + counters.malformed() + counters.crc()).isPositive();
      }
      // And the next epoch is as if nothing had been.
      Frame next = Links.random(random, 2, 0, 3, 200_000);
      fragments(next, 0, 992).forEach(fragment -> feed(inbound, fragment, delivered));
      assertThat(delivered.getLast()).isEqualTo(Links.Copy.of(next));
    }
  }

  /** A bit that flips, a fragment that is lost, doubled, moved or cut, a message that is lost. */
  private static void fault(Random random, List<Fragment> wire) {
    int at = random.nextInt(wire.size());
    Fragment fragment = wire.get(at);
    int size = fragment.bytes.length;
    switch (random.nextInt(7)) {
      case 0, 1 -> {
        // Most of the damage where the headers are.
        int index = random.nextInt(random.nextBoolean() ? Math.min(size, 80) : size);
        wire.set(at, fragment.with(index, fragment.bytes[index] ^ 1 << random.nextInt(8)));
      }
      case 2 -> wire.remove(at);
      case 3 -> wire.add(at, fragment);
      case 4 -> {
        // A whole message: the one that begins here or later.
        while (at < wire.size() && !wire.get(at).begin) {
          at++;
        }
        boolean end = at == wire.size();
        while (!end) {
          end = wire.remove(at).end;
        }
      }
      case 5 -> wire.add(random.nextInt(wire.size()), wire.remove(at));
      default -> wire.set(at, fragment.cut(random.nextInt(size)));
    }
  }

  @Property(tries = 200)
  void shouldRefuseGarbage(@ForAll long seed) {
    ledger = ledger();
    Random random = new Random(seed);
    List<Links.Copy> delivered = new ArrayList<>();
    try (Inbound inbound = new Inbound(ledger, MAX_PAYLOAD)) {
      for (int i = 0; i < 30; i++) {
        int length = random.nextInt(200);
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        Fragment garbage = new Fragment(bytes, random.nextInt(4) > 0, random.nextInt(4) > 0);
        // Often with a header as it should be, and lengths that are not.
        if (length >= 8 && random.nextBoolean()) {
          Frame frame = Links.random(random, 0, 0, 2, 20);
          Fragment good = fragments(frame, 0, 992).getFirst();
          int keep = random.nextInt(8, 61);
          for (int b = 0; b < Math.min(keep, length); b++) {
            garbage = garbage.with(b, good.bytes[b]);
          }
        }
        feed(inbound, garbage, delivered);
      }
      assertThat(delivered).isEmpty();
      assertThat(ledger.failedEpoch()).isEqualTo(-1);
    }
  }

  @Test
  void shouldNotReserveMemoryForAnAnnouncedLength() {
    Frame frame = Links.random(new Random(1), 0, 0, 1, MAX_PAYLOAD);
    List<Fragment> wire = fragments(frame, 0, 992);
    try (Inbound inbound = new Inbound(ledger, MAX_PAYLOAD)) {
      feed(inbound, wire.get(0), new ArrayList<>());
      feed(inbound, wire.get(1), new ArrayList<>());
      assertThat(inbound.memoryBytes()).isEqualTo(4_096);
    }
  }

  @Test
  void shouldRefuseAPayloadOverTheLimit() {
    Frame frame = Links.random(new Random(1), 0, 0, 1, MAX_PAYLOAD + 1);
    try (Inbound inbound = new Inbound(ledger, MAX_PAYLOAD)) {
      List<Links.Copy> delivered = new ArrayList<>();
      fragments(frame, 0, 992).forEach(fragment -> feed(inbound, fragment, delivered));
      assertThat(delivered).isEmpty();
      assertThat(ledger.counters.malformed()).isPositive();
      assertThat(inbound.memoryBytes()).isZero();
    }
  }
}
