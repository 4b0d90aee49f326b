package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class GemmTest {
  /** A view with random numbers in it, and between its numbers. */
  private static MatrixView view(Arena arena, Random random, int rows, int columns, boolean flip) {
    int gap = random.nextInt(4);
    int offset = random.nextInt(5);
    long length = flip ? (long) columns * (rows + gap) : (long) rows * (columns + gap);
    MemorySegment data = arena.allocate((length + offset) * Float.BYTES, Float.BYTES);
    for (long i = 0; i < length + offset; i++) {
      data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
    }
    return flip
        ? new MatrixView(data, offset, columns, rows, rows + gap, 1).transposed()
        : new MatrixView(data, offset, rows, columns, columns + gap, 1);
  }

  private static float get(MatrixView m, int i, int j) {
    long at = m.offset() + i * m.rowStride() + j * m.columnStride();
    return m.data().getAtIndex(ValueLayout.JAVA_FLOAT, at);
  }

  @Property(tries = 150)
  void shouldSumEachElementInOrder(
      @ForAll @IntRange(min = 1, max = 150) int rows,
      @ForAll @IntRange(min = 1, max = 80) int columns,
      @ForAll @IntRange(min = 1, max = 600) int depth,
      @ForAll boolean flipA,
      @ForAll boolean flipB,
      @ForAll boolean accumulate,
      @ForAll @IntRange(min = 0, max = 3) int threads,
      @ForAll long seed) {
    Random random = new Random(seed);
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool(Math.max(1, threads))) {
      MatrixView a = view(arena, random, rows, depth, flipA);
      MatrixView b = view(arena, random, depth, columns, flipB);
      MatrixView c = view(arena, random, rows, columns, false);
      float[] before = c.data().toArray(ValueLayout.JAVA_FLOAT);
      if (threads == 0) {
        Gemm.multiply(a, b, c, accumulate);
      } else {
        Gemm.multiply(pool, a, b, c, accumulate);
      }
      float[] expected = before.clone();
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
          int at = (int) (c.offset() + i * c.rowStride() + j);
          float sum = accumulate ? before[at] : 0;
          for (int k = 0; k < depth; k++) {
            sum = Math.fma(get(b, k, j), get(a, i, k), sum);
          }
          expected[at] = sum;
        }
      }
      // All of the memory is compared: what lies between rows must stay.
      assertThat(c.data().toArray(ValueLayout.JAVA_FLOAT)).isEqualTo(expected);
    }
  }

  @Test
  void shouldRefuseShapesThatDoNotFit() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4 * 100);
      MatrixView a = MatrixView.of(memory, 3, 4);
      MatrixView b = MatrixView.of(memory, 5, 2);
      MatrixView c = MatrixView.of(memory, 3, 2);
      assertThatThrownBy(() -> Gemm.multiply(a, b, c, false))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("a product of 3 x 4 and 5 x 2 is not 3 x 2");
    }
  }

  @Test
  void shouldRefuseViewsBeyondTheirMemory() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4 * 100);
      MatrixView a = MatrixView.of(memory, 10, 11);
      MatrixView b = MatrixView.of(memory, 11, 2);
      MatrixView c = MatrixView.of(memory, 10, 2);
      assertThatThrownBy(() -> Gemm.multiply(a, b, c, false))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }
}
