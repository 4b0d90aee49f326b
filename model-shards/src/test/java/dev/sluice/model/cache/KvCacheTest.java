package dev.sluice.model.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.kernel.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.junit.jupiter.api.Test;

class KvCacheTest {
  private static final int LAYERS = 2;
  private static final int PAGE_TOKENS = 4;
  private static final KvLayout LAYOUT = new KvLayout(PAGE_TOKENS, 2, 3, 5, false);

  @Test
  void shouldTakePagesAsNeededAndGiveThemBack() {
    try (KvCache cache = new KvCache(LAYOUT, LAYERS, 3, 2)) {
      assertThat(cache.reserve(0, 4)).isTrue();
      assertThat(cache.usage().usedPages()).isEqualTo(1);
      assertThat(cache.reserve(0, 1)).isTrue();
      assertThat(cache.usage().usedPages()).isEqualTo(2);
      assertThat(cache.length(0)).isEqualTo(5);
      assertThat(cache.reserve(1, 5)).as("two pages, one is left").isFalse();
      assertThat(cache.length(1)).isZero();
      assertThat(cache.reserve(1, 4)).isTrue();
      cache.release(0);
      cache.release(0);
      assertThat(cache.usage().usedPages()).isEqualTo(1);
      assertThat(cache.reserve(1, 8)).isTrue();
      cache.release(1);
      assertThat(cache.usage().usedPages()).isZero();
    }
  }

  @Test
  void shouldGiveBackThePagesBehindACut() {
    try (KvCache cache = new KvCache(LAYOUT, LAYERS, 3, 2)) {
      cache.reserve(0, 12);
      long first = cache.page(0, 0, 0).address();
      cache.truncate(0, 5);
      assertThat(cache.usage().usedPages()).isEqualTo(2);
      cache.truncate(0, 4);
      assertThat(cache.usage().usedPages()).isEqualTo(1);
      assertThat(cache.length(0)).isEqualTo(4);
      assertThat(cache.page(0, 0, 0).address()).isEqualTo(first);
      assertThat(cache.reserve(1, 8)).isTrue();
      assertThatThrownBy(() -> cache.truncate(0, 5))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("slot 0");
    }
  }

  @Test
  void shouldCountBytesOfAllLayers() {
    try (KvCache cache = new KvCache(new KvLayout(16, 2, 32, 32, true), LAYERS, 3, 2)) {
      cache.reserve(1, 17);
      long page = 16L * 2 * (32 + 32) * 2 * LAYERS;
      assertThat(cache.usage()).isEqualTo(new KvUsage(2, 3, 16, 2 * page, 3 * page));
    }
  }

  @Test
  void shouldStoreHalfPrecisionRounded() {
    try (Arena arena = Arena.ofShared();
        KvCache cache = new KvCache(new KvLayout(2, 1, 1, 1, true), 1, 2, 1)) {
      MemorySegment row = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1.0004f, -3e-8f);
      cache.reserve(0, 3);
      cache.store(0, 0, 2, row, 0, row, 1);
      MemorySegment page = cache.page(0, 0, 1);
      assertThat(page.get(ValueLayout.JAVA_SHORT_UNALIGNED, 0))
          .isEqualTo(Float.floatToFloat16(1.0004f));
      assertThat(page.get(ValueLayout.JAVA_SHORT_UNALIGNED, 4))
          .isEqualTo(Float.floatToFloat16(-3e-8f));
    }
  }

  @Test
  void shouldRefuseShapesThatMakeNoSense() {
    assertThatThrownBy(() -> new KvCache(LAYOUT, 0, 1, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new KvCache(LAYOUT, 1 << 16, 1 << 16, 1))
        .isInstanceOf(IllegalArgumentException.class);
    try (KvCache cache = new KvCache(LAYOUT, 1, 1, 1)) {
      assertThatThrownBy(() -> cache.reserve(0, -1)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> cache.reserve(1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void shouldSayWhatToDoWhenMemoryIsShort() {
    KvLayout huge = new KvLayout(1 << 12, 1 << 12, 1 << 12, 1 << 12, false);
    assertThatThrownBy(() -> new KvCache(huge, 8, 8, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("shorter context");
  }

  /** Random sequences come, grow and go: no page has two owners, none is lost. */
  @Property(tries = 50, shrinking = ShrinkingMode.OFF)
  void shouldNeverShareOrLosePages(@ForAll long seed) {
    Random random = new Random(seed);
    int pages = 1 + random.nextInt(20);
    int slots = 1 + random.nextInt(6);
    try (KvCache cache = new KvCache(LAYOUT, LAYERS, pages, slots)) {
      for (int step = 0; step < 200; step++) {
        int slot = random.nextInt(slots);
        int before = cache.length(slot);
        if (random.nextInt(6) == 0) {
          cache.release(slot);
        } else if (random.nextInt(4) == 0) {
          int kept = random.nextInt(before + 1);
          cache.truncate(slot, kept);
          assertThat(cache.length(slot)).isEqualTo(kept);
        } else {
          int tokens = random.nextInt(12);
          int left = (pages - cache.usage().usedPages()) * PAGE_TOKENS;
          int slack = (PAGE_TOKENS - before % PAGE_TOKENS) % PAGE_TOKENS;
          assertThat(cache.reserve(slot, tokens)).isEqualTo(tokens <= left + slack);
        }
        check(cache, slots);
      }
      for (int slot = 0; slot < slots; slot++) {
        cache.release(slot);
      }
      assertThat(cache.usage().usedPages()).isZero();
      assertThat(cache.reserve(0, pages * PAGE_TOKENS)).isTrue();
    }
  }

  /**
   * Random sequences come, share what they begin with, go on, are cut and go: each finds the rows
   * that it would have had alone.
   */
  @Property(tries = 50, shrinking = ShrinkingMode.OFF)
  void shouldKeepTheRowsOfThoseThatShareApart(@ForAll long seed) {
    Random random = new Random(seed);
    int pages = 4 + random.nextInt(20);
    int slots = 2 + random.nextInt(5);
    List<List<Integer>> model = new ArrayList<>();
    for (int slot = 0; slot < slots; slot++) {
      model.add(new ArrayList<>());
    }
    try (Arena arena = Arena.ofConfined();
        KvCache cache = new KvCache(LAYOUT, LAYERS, pages, slots)) {
      MemorySegment row = arena.allocate(cache.rowBytes());
      for (int step = 0; step < 200; step++) {
        int slot = random.nextInt(slots);
        List<Integer> rows = model.get(slot);
        switch (random.nextInt(6)) {
          case 0 -> {
            cache.release(slot);
            rows.clear();
          }
          case 1 -> {
            int kept = random.nextInt(rows.size() + 1);
            cache.truncate(slot, kept);
            rows.subList(kept, rows.size()).clear();
          }
          case 2, 3 -> {
            int from = random.nextInt(slots);
            if (rows.isEmpty() && from != slot) {
              int used = cache.usage().usedPages();
              int positions = random.nextInt(model.get(from).size() + 1);
              cache.share(from, slot, positions);
              rows.addAll(model.get(from).subList(0, positions));
              assertThat(cache.usage().usedPages()).isEqualTo(used);
            }
          }
          default -> {
            int count = random.nextInt(7);
            int start = rows.size();
            int end = cache.reserve(slot, count) ? start + count : start;
            for (int i = start; i < end; i++) {
              rows.add(random.nextInt());
              row.fill((byte) (int) rows.getLast());
              cache.restore(slot, i, 1, row, 0);
            }
          }
        }
        checkRows(cache, model, row);
      }
      for (int slot = 0; slot < slots; slot++) {
        cache.release(slot);
      }
      assertThat(cache.usage().usedPages()).isZero();
      assertThat(cache.reserve(0, pages * PAGE_TOKENS)).isTrue();
    }
  }

  private static void checkRows(KvCache cache, List<List<Integer>> model, MemorySegment row) {
    for (int slot = 0; slot < model.size(); slot++) {
      List<Integer> rows = model.get(slot);
      assertThat(cache.length(slot)).isEqualTo(rows.size());
      for (int i = 0; i < rows.size(); i++) {
        cache.copy(slot, i, 1, row);
        assertThat(row.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) (int) rows.get(i));
        assertThat(row.get(ValueLayout.JAVA_BYTE, row.byteSize() - 1))
            .isEqualTo((byte) (int) rows.get(i));
      }
    }
  }

  private static void check(KvCache cache, int slots) {
    Set<Long> addresses = new HashSet<>();
    int held = 0;
    for (int slot = 0; slot < slots; slot++) {
      int pages = Math.ceilDiv(cache.length(slot), PAGE_TOKENS);
      for (int index = 0; index < pages; index++) {
        for (int layer = 0; layer < LAYERS; layer++) {
          assertThat(addresses.add(cache.page(slot, layer, index).address())).isTrue();
        }
        held++;
      }
    }
    assertThat(cache.usage().usedPages()).isEqualTo(held);
  }
}
