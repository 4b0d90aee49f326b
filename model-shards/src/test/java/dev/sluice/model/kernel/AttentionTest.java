package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class AttentionTest {
  @Property(tries = 150)
  void shouldAttendInTheOrderOfTheContract(
      @ForAll @IntRange(min = 1, max = 3) int kvHeads,
      @ForAll @IntRange(min = 1, max = 5) int group,
      @ForAll @IntRange(min = 1, max = 90) int keyLength,
      @ForAll @IntRange(min = 1, max = 90) int valueLength,
      @ForAll @IntRange(min = 1, max = 40) int pageTokens,
      @ForAll @IntRange(min = 0, max = 130) int to,
      @ForAll boolean half,
      @ForAll boolean capped,
      @ForAll long seed) {
    Random random = new Random(seed);
    int from = random.nextBoolean() ? 0 : random.nextInt(to + 1);
    KvLayout layout = new KvLayout(pageTokens, kvHeads, keyLength, valueLength, half);
    float cap = capped ? 2.5f : 0;
    int heads = kvHeads * group;
    float[] q = KernelOracle.gaussians(random, heads * keyLength);
    float[][] k = new float[to + 1][];
    float[][] v = new float[to + 1][];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment[] pages = new MemorySegment[to / pageTokens + 1];
      for (int i = 0; i < pages.length; i++) {
        pages[i] = arena.allocate(layout.pageBytes());
        pages[i].fill((byte) 0xff); // NaN: what was never stored must not count
      }
      for (int p = 0; p <= to; p++) {
        k[p] = KernelOracle.gaussians(random, kvHeads * keyLength);
        v[p] = KernelOracle.gaussians(random, kvHeads * valueLength);
        if (p >= from) {
          MemorySegment keys = KernelOracle.segment(arena, k[p]);
          MemorySegment values = KernelOracle.segment(arena, v[p]);
          layout.store(pages[p / pageTokens], p % pageTokens, keys, 0, values, 0);
        }
        round(k[p], half);
        round(v[p], half);
      }
      MemorySegment query = KernelOracle.segment(arena, q);
      MemorySegment out = KernelOracle.floats(arena, (long) heads * valueLength);
      Attention attention = new Attention(layout, heads, 0.3f, cap);
      KvPages resolver = (slot, layer, index) -> pages[index - slot - layer + 5];
      for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
        attention.attend(resolver, 2, 3, kvHead, from, to, query, 0, out, 0);
      }
      float[] actual = KernelOracle.array(out);
      float[] expected = new float[heads * valueLength];
      for (int head = 0; head < heads; head++) {
        float[] weights = new float[to - from + 1];
        for (int p = from; p <= to; p++) {
          float score =
              KernelOracle.dot(q, head * keyLength, k[p], head / group * keyLength, keyLength);
          weights[p - from] = capped ? cap(score * 0.3f, cap) : score * 0.3f;
        }
        weights = KernelOracle.softmax(weights);
        for (int d = 0; d < valueLength; d++) {
          float sum = 0;
          for (int p = from; p <= to; p++) {
            sum = Math.fma(weights[p - from], v[p][head / group * valueLength + d], sum);
          }
          expected[head * valueLength + d] = sum;
        }
      }
      assertThat(actual).isEqualTo(expected);
    }
  }

  private static float cap(float score, float cap) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment one = KernelOracle.segment(arena, new float[] {score * (1 / cap)});
      VectorMath.tanh(one, 0, one, 0, 1);
      return KernelOracle.array(one)[0] * cap;
    }
  }

  private static void round(float[] values, boolean half) {
    for (int i = 0; half && i < values.length; i++) {
      values[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
    }
  }

  @Test
  void shouldRefuseImpossibleArguments() {
    KvLayout layout = new KvLayout(4, 2, 8, 8, false);
    assertThat(layout.pageBytes()).isEqualTo(4 * 2 * (8 + 8) * 4);
    assertThatThrownBy(() -> new KvLayout(0, 2, 8, 8, false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Attention(layout, 3, 1, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Attention(layout, 4, Float.NaN, 0))
        .isInstanceOf(IllegalArgumentException.class);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment row = arena.allocate(4 * 8 * 4);
      MemorySegment shortPage = arena.allocate(layout.pageBytes() - 1);
      KvPages pages = (_, _, _) -> shortPage;
      Attention attention = new Attention(layout, 4, 1, 0);
      assertThatThrownBy(() -> attention.attend(pages, 0, 0, 0, 0, 0, row, 0, row, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> attention.attend(pages, 0, 0, 2, 0, 0, row, 0, row, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> attention.attend(pages, 0, 0, 0, 1, 0, row, 0, row, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> layout.store(shortPage, 4, row, 0, row, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }
}
