package dev.sluice.actors.kept;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.junit.jupiter.api.Test;

class KvReplicaTest {
  private static final int SLOTS = 3;
  private static final int PAGE = 4;
  private static final long ROW = 24;
  private static final int MOST = 64;

  private final Arena arena = Arena.ofAuto();
  private final MemorySegment rows = arena.allocate(MOST * ROW, 8);

  private static KvReplica pages(int pages) {
    return new KvReplica(SLOTS, ROW, PAGE, pages * (PAGE * ROW));
  }

  /** Rows that tell whose they are, and their position. */
  private boolean put(KvReplica copy, int slot, long sequence, int start, int count) {
    for (int i = 0; i < count; i++) {
      for (int at = 0; at < ROW; at += Long.BYTES) {
        rows.set(ValueLayout.JAVA_LONG, i * ROW + at, value(sequence, start + i, at));
      }
    }
    return copy.put(slot, sequence, start, count, rows);
  }

  private static long value(long sequence, int position, int at) {
    return sequence * 100_000 + position * 100L + at;
  }

  private void check(KvReplica copy, int slot, long sequence, int positions) {
    assertThat(copy.positions(slot)).isEqualTo(positions);
    assertThat(copy.sequence(slot)).isEqualTo(positions == 0 ? KvReplica.NOBODY : sequence);
    copy.read(slot, 0, positions, rows);
    for (int i = 0; i < positions; i++) {
      for (int at = 0; at < ROW; at += Long.BYTES) {
        assertThat(rows.get(ValueLayout.JAVA_LONG, i * ROW + at)).isEqualTo(value(sequence, i, at));
      }
    }
  }

  @Test
  void shouldReplaceWhatIsBehindACut() {
    try (KvReplica copy = pages(10)) {
      assertThat(put(copy, 1, 7, 0, 9)).isTrue();
      assertThat(put(copy, 1, 7, 5, 2)).isTrue();
      check(copy, 1, 7, 7);
      assertThat(put(copy, 1, 7, 0, 0)).isTrue();
      check(copy, 1, 7, 0);
    }
  }

  @Test
  void shouldGiveUpASlotWithAGap() {
    try (KvReplica copy = pages(10)) {
      put(copy, 0, 7, 0, 5);
      put(copy, 1, 8, 0, 5);
      assertThat(put(copy, 0, 7, 6, 1)).isFalse();
      assertThat(put(copy, 1, 9, 5, 1)).as("another's sequence").isFalse();
      check(copy, 0, 7, 0);
      check(copy, 1, 8, 0);
      assertThat(put(copy, 1, 9, 0, 1)).isTrue();
      check(copy, 1, 9, 1);
    }
  }

  @Test
  void shouldGiveUpOnlyTheSlotThatFindsNoRoom() {
    try (KvReplica copy = pages(3)) {
      assertThat(put(copy, 0, 7, 0, 8)).isTrue();
      assertThat(put(copy, 1, 8, 0, 5)).isFalse();
      check(copy, 0, 7, 8);
      check(copy, 1, 8, 0);
      assertThat(put(copy, 2, 9, 0, 4)).isTrue();
      assertThat(put(copy, 2, 9, 4, 1)).isFalse();
      put(copy, 0, 7, 0, 0);
      assertThat(put(copy, 2, 9, 0, 12)).isTrue();
      check(copy, 2, 9, 12);
    }
  }

  /** Against plain numbers: what is held is a beginning of the right sequence, whatever comes. */
  @Property(tries = 200, shrinking = ShrinkingMode.OFF)
  void shouldHoldWhatFollowedOn(@ForAll long seed) {
    Random random = new Random(seed);
    int pages = 1 + random.nextInt(12);
    long[] sequences = new long[SLOTS];
    int[] positions = new int[SLOTS];
    try (KvReplica copy = pages(pages)) {
      for (int step = 0; step < 100; step++) {
        int slot = random.nextInt(SLOTS);
        long sequence = random.nextInt(3) == 0 ? random.nextInt(3) : sequences[slot];
        int start = random.nextInt(4) == 0 ? random.nextInt(20) : positions[slot];
        int count = random.nextInt(9);
        boolean follows =
            start == 0
                || (sequence == sequences[slot] && positions[slot] > 0 && start <= positions[slot]);
        int others = 0;
        for (int i = 0; i < SLOTS; i++) {
          others += i == slot ? 0 : Math.ceilDiv(positions[i], PAGE);
        }
        boolean fits = others + Math.ceilDiv(start + count, PAGE) <= pages;
        assertThat(put(copy, slot, sequence, start, count))
            .as("seed %d, step %d", seed, step)
            .isEqualTo(follows && fits);
        sequences[slot] = sequence;
        positions[slot] = follows && fits ? start + count : 0;
        for (int i = 0; i < SLOTS; i++) {
          check(copy, i, sequences[i], positions[i]);
        }
      }
    }
  }
}
