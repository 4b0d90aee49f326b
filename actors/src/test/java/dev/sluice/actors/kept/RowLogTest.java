package dev.sluice.actors.kept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.junit.jupiter.api.Test;

class RowLogTest {
  /** Four rows to a block. */
  private static final int WIDTH = 8 << 10;

  private static final long BLOCK = 4L * WIDTH * Float.BYTES;
  private static final int SLOTS = 3;

  private final Arena arena = Arena.ofAuto();
  private final MemorySegment rows = arena.allocate(32L * WIDTH * Float.BYTES, 64);

  private static LogLimits blocks(int memory, int disk) {
    return new LogLimits(memory * BLOCK, disk * BLOCK);
  }

  /** Rows that tell their slot and position. */
  private void append(RowLog log, int slot, int position, int count) {
    for (int i = 0; i < count; i++) {
      for (int end = 0; end < 2; end++) {
        rows.setAtIndex(
            ValueLayout.JAVA_FLOAT,
            (i + 1L) * WIDTH + end * (WIDTH - 1L),
            value(slot, position + i, end));
      }
    }
    log.append(slot, position, rows, 1, count);
  }

  private static float value(int slot, int position, int end) {
    return slot * 10_000 + position * 2 + end;
  }

  private void check(RowLog log, int slot, int from, int count) {
    rows.fill((byte) 0);
    log.read(slot, from, count, rows);
    for (int i = 0; i < count; i++) {
      for (int end = 0; end < 2; end++) {
        assertThat(rows.getAtIndex(ValueLayout.JAVA_FLOAT, i * (long) WIDTH + end * (WIDTH - 1L)))
            .isEqualTo(value(slot, from + i, end));
      }
    }
  }

  @Test
  void shouldGiveWhatItWasGivenFromMemoryAndFromDisk() {
    try (RowLog log = RowLog.ofActivations(SLOTS, WIDTH, blocks(4, 10))) {
      append(log, 0, 0, 9);
      append(log, 1, 0, 25);
      append(log, 0, 9, 1);
      assertThat(log.positions(0)).isEqualTo(10);
      check(log, 0, 0, 10);
      check(log, 1, 0, 25);
      check(log, 1, 3, 14);
    }
  }

  @Test
  void shouldGiveUpTheSlotThatFindsNoRoom() {
    try (RowLog log = RowLog.ofActivations(SLOTS, WIDTH, blocks(2, 1))) {
      append(log, 0, 0, 4);
      append(log, 1, 0, 4);
      append(log, 0, 4, 4);
      assertThat(log.positions(0)).as("no block is full and not its slot's last one").isZero();
      assertThat(log.positions(1)).isEqualTo(4);
      append(log, 1, 4, 8);
      check(log, 1, 0, 12);
      append(log, 1, 12, 1);
      assertThat(log.positions(1)).isZero();
      append(log, 1, 13, 1);
      assertThat(log.positions(1)).as("until it begins again").isZero();
      append(log, 1, 0, 5);
      check(log, 1, 0, 5);
    }
  }

  @Test
  void shouldGiveUpASlotWithAGap() {
    try (RowLog log = RowLog.ofActivations(SLOTS, WIDTH, blocks(4, 0))) {
      append(log, 0, 0, 4);
      append(log, 0, 5, 1);
      assertThat(log.positions(0)).isZero();
      assertThatThrownBy(() -> log.read(0, 0, 1, rows))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("slot 0: the log has 0");
    }
  }

  @Test
  void shouldGoOnWhereItWasCut() {
    try (RowLog log = RowLog.ofActivations(SLOTS, WIDTH, blocks(3, 10))) {
      append(log, 0, 0, 23);
      log.truncate(0, 30);
      assertThat(log.positions(0)).isEqualTo(23);
      // In the middle of a block that lies in the file.
      log.truncate(0, 6);
      append(log, 0, 6, 9);
      check(log, 0, 0, 15);
      log.truncate(0, 4);
      append(log, 0, 4, 3);
      check(log, 0, 0, 7);
    }
  }

  @Test
  void shouldHoldNothingWhenItIsOff() {
    try (RowLog log = RowLog.ofActivations(SLOTS, WIDTH, LogLimits.OFF)) {
      append(log, 0, 0, 1);
      assertThat(log.positions(0)).isZero();
    }
    assertThat(LogLimits.OFF.off()).isTrue();
    assertThatThrownBy(() -> new LogLimits(0, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new LogLimits(-1, 1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldGoOnInMemoryWhenTheDiskFails() {
    RowLog.Opener full =
        () -> {
          throw new IOException("No space left on device");
        };
    try (RowLog log = new RowLog("log", SLOTS, BLOCK / 4, 4, blocks(3, 10), full)) {
      append(log, 0, 0, 9);
      append(log, 1, 0, 1);
      assertThat(log.positions(1)).as("had to make room on the disk").isZero();
      check(log, 0, 0, 9);
      log.forget(0);
      append(log, 1, 0, 12);
      check(log, 1, 0, 12);
    }
  }

  @Test
  void shouldGiveUpWhatLiesOnADiskThatBreaks() throws IOException {
    BlockFile file = BlockFile.create("sluice-test");
    try (RowLog log = new RowLog("log", SLOTS, BLOCK / 4, 4, blocks(3, 10), () -> file)) {
      append(log, 0, 0, 13);
      append(log, 1, 0, 1);
      file.close();
      assertThatThrownBy(() -> log.read(0, 0, 1, rows)).isInstanceOf(UncheckedIOException.class);
      assertThat(log.positions(0)).isZero();
      check(log, 1, 0, 1);
      append(log, 1, 1, 11);
      check(log, 1, 0, 12);
    }
  }

  /** Whatever comes: what it says to have is what it was given, and no block is lost. */
  @Property(tries = 60, shrinking = ShrinkingMode.OFF)
  void shouldNeverMixUpOrLoseBlocks(@ForAll long seed) {
    Random random = new Random(seed);
    int memory = 1 + random.nextInt(6);
    int disk = random.nextInt(6);
    int[] length = new int[SLOTS];
    try (RowLog log = RowLog.ofActivations(SLOTS, WIDTH, blocks(memory, disk))) {
      for (int step = 0; step < 150; step++) {
        int slot = random.nextInt(SLOTS);
        switch (random.nextInt(8)) {
          case 0 -> {
            log.forget(slot);
            length[slot] = 0;
          }
          case 1 -> {
            length[slot] = random.nextInt(length[slot] + 1);
            log.truncate(slot, length[slot]);
          }
          default -> {
            int count = 1 + random.nextInt(9);
            append(log, slot, length[slot], count);
            length[slot] += count;
          }
        }
        for (int s = 0; s < SLOTS; s++) {
          if (log.positions(s) == 0) {
            log.forget(s);
            length[s] = 0;
          }
          assertThat(log.positions(s)).as("seed %d", seed).isEqualTo(length[s]);
          for (int at = 0; at < length[s]; at += 20) {
            check(log, s, at, Math.min(20, length[s] - at));
          }
        }
      }
      for (int s = 0; s < SLOTS; s++) {
        log.forget(s);
      }
      if (memory > 1) {
        int room = 4 * (memory + disk);
        for (int at = 0; at < room; at += 4) {
          append(log, 0, at, 4);
        }
        assertThat(log.positions(0)).as("seed %d", seed).isEqualTo(room);
      }
    }
  }
}
