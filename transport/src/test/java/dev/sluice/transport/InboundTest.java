package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
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

  /** A fresh one for every try: tries of a property share this object. */
  private EpochLedger ledger = ledger();

  private static EpochLedger ledger() {
    return new EpochLedger(LinkAddress.ipc(1), new LimitedLog(NOPLogger.NOP_LOGGER));
  }

  private void feed(Inbound inbound, Wire.Fragment fragment, List<Links.Copy> delivered) {
    UnsafeBuffer term = Wire.term(fragment, 32);
    int length = fragment.bytes().length;
    if (inbound.onFragment(term, 32, length, fragment.begin(), fragment.end())) {
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
    List<Wire.Fragment> wire = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      int payload = random.nextInt(4) == 0 ? random.nextInt(300_000) : random.nextInt(3_000);
      Frame frame = Links.random(random, 1, i, random.nextInt(200), payload);
      sent.add(Links.Copy.of(frame));
      wire.addAll(Wire.fragments(frame, i, random.nextBoolean() ? 992 : 8_192));
    }
    for (int i = 0; i < faults; i++) {
      Wire.fault(random, wire);
    }
    // A frame lost at the end shows when another one comes.
    Frame last = Links.random(random, 1, 12, 3, 1_000);
    sent.add(Links.Copy.of(last));
    wire.addAll(Wire.fragments(last, 12, 992));
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
      Wire.fragments(next, 0, 992).forEach(fragment -> feed(inbound, fragment, delivered));
      assertThat(delivered.getLast()).isEqualTo(Links.Copy.of(next));
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
        Wire.Fragment garbage =
            new Wire.Fragment(bytes, random.nextInt(4) > 0, random.nextInt(4) > 0);
        // Often with a header as it should be, and lengths that are not.
        if (length >= 8 && random.nextBoolean()) {
          Frame frame = Links.random(random, 0, 0, 2, 20);
          Wire.Fragment good = Wire.fragments(frame, 0, 992).getFirst();
          int keep = random.nextInt(8, 61);
          for (int b = 0; b < Math.min(keep, length); b++) {
            garbage = garbage.with(b, good.bytes()[b]);
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
    List<Wire.Fragment> wire = Wire.fragments(frame, 0, 992);
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
      Wire.fragments(frame, 0, 992).forEach(fragment -> feed(inbound, fragment, delivered));
      assertThat(delivered).isEmpty();
      assertThat(ledger.counters.malformed()).isPositive();
      assertThat(inbound.memoryBytes()).isZero();
    }
  }
}
