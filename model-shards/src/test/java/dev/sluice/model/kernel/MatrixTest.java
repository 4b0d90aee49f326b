package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MatrixTest {
  @Property(tries = 250)
  void shouldMultiplyInTheOrderOfTheContract(
      @ForAll GgmlType type,
      @ForAll @IntRange(min = 1, max = 13) int rows,
      @ForAll @IntRange(min = 1, max = 2500) int width,
      @ForAll @IntRange(min = 1, max = 9) int tokens,
      @ForAll @IntRange(min = 1, max = 4) int threads,
      @ForAll long seed) {
    checkProduct(type, rows, whole(type, width), tokens, threads, seed);
  }

  @ParameterizedTest
  @EnumSource
  void shouldMultiplyManyRowsAndTokens(GgmlType type) {
    checkProduct(type, 150, 1280, 67, 3, 42);
  }

  @ParameterizedTest
  @EnumSource
  void shouldGiveRowsAsTheDequantizer(GgmlType type) {
    int columns = 1024;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = KernelOracle.weights(arena, type, 5, columns, new Random(7));
      Matrix matrix = Matrix.of(type, 5, columns, data);
      MemorySegment row = KernelOracle.floats(arena, columns + 3L);
      for (int r = 0; r < 5; r++) {
        float[] expected = new float[columns + 3];
        Dequantizer.dequantize(type, data, (long) r * columns, expected, 3, columns);
        matrix.row(r, row, 3);
        assertThat(KernelOracle.array(row)).isEqualTo(expected);
      }
    }
  }

  @Test
  void shouldMultiplyASliceAsTheWhole() {
    try (Arena arena = Arena.ofConfined();
        WorkerPool pool = new WorkerPool(2)) {
      Random random = new Random(3);
      Matrix matrix =
          Matrix.of(
              GgmlType.Q5_K, 30, 256, KernelOracle.weights(arena, GgmlType.Q5_K, 30, 256, random));
      MemorySegment x = KernelOracle.segment(arena, KernelOracle.gaussians(random, 256));
      MemorySegment all = KernelOracle.floats(arena, 30);
      MemorySegment some = KernelOracle.floats(arena, 11);
      matrix.multiply(pool, x, 0, 256, 1, all, 0, 30);
      matrix.slice(8, 11).multiply(pool, x, 0, 256, 1, some, 0, 11);
      assertThat(KernelOracle.array(some))
          .isEqualTo(KernelOracle.array(all.asSlice(8 * 4, 11 * 4)));
    }
  }

  @Test
  void shouldRefuseImpossibleShapesAndRanges() {
    try (Arena arena = Arena.ofConfined();
        WorkerPool pool = new WorkerPool(1)) {
      MemorySegment data = arena.allocate(34 * 4);
      Matrix matrix = Matrix.of(GgmlType.Q8_0, 2, 64, data);
      MemorySegment x = arena.allocate(64 * 4);
      MemorySegment y = arena.allocate(2 * 4);
      assertThatThrownBy(() -> Matrix.of(GgmlType.Q8_0, 3, 64, data))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Matrix.of(GgmlType.Q8_0, 2, 33, data))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Matrix.of(GgmlType.F32, 1, 2, MemorySegment.ofArray(new float[2])))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Matrix.of(GgmlType.F32, Long.MAX_VALUE / 2, 1 << 20, data))
          .isInstanceOf(ArithmeticException.class);
      assertThatThrownBy(() -> matrix.slice(1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> matrix.multiply(pool, x, 1, 64, 1, y, 0, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> matrix.multiply(pool, x, 0, 64, 1, y, 1, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> matrix.multiply(pool, x, 0, 64, 2, y, 0, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> matrix.multiply(pool, x, 0, Long.MAX_VALUE, 3, y, 0, 2))
          .isInstanceOf(ArithmeticException.class);
      assertThatThrownBy(() -> matrix.row(2, x, 0)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> matrix.row(0, MemorySegment.ofArray(new float[64]), 0))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldRefuseMemoryThatWasClosed() {
    Matrix matrix;
    try (Arena closed = Arena.ofShared()) {
      matrix = Matrix.of(GgmlType.F32, 1, 4, closed.allocate(16));
    }
    try (Arena arena = Arena.ofConfined();
        WorkerPool pool = new WorkerPool(1)) {
      MemorySegment x = arena.allocate(16);
      assertThatThrownBy(() -> matrix.multiply(pool, x, 0, 4, 1, arena.allocate(4), 0, 1))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  private static int whole(GgmlType type, int width) {
    int block = type.blockSize();
    return (width + block - 1) / block * block;
  }

  private static void checkProduct(
      GgmlType type, int rows, int columns, int tokens, int threads, long seed) {
    Random random = new Random(seed);
    int xStride = columns + random.nextInt(4);
    int yStride = rows + random.nextInt(4);
    try (Arena arena = Arena.ofConfined();
        WorkerPool pool = new WorkerPool(threads)) {
      MemorySegment data = KernelOracle.weights(arena, type, rows, columns, random);
      float[] x = KernelOracle.gaussians(random, 1 + tokens * xStride);
      float[] y = KernelOracle.gaussians(random, 2 + tokens * yStride);
      MemorySegment inputs = KernelOracle.segment(arena, x);
      MemorySegment outputs = KernelOracle.segment(arena, y);
      Matrix.of(type, rows, columns, data)
          .multiply(pool, inputs, 1, xStride, tokens, outputs, 2, yStride);
      float[] w = new float[columns];
      for (int r = 0; r < rows; r++) {
        Dequantizer.dequantize(type, data, (long) r * columns, w, 0, columns);
        for (int t = 0; t < tokens; t++) {
          y[2 + t * yStride + r] = KernelOracle.dot(w, 0, x, 1 + t * xStride, columns);
        }
      }
      assertThat(KernelOracle.array(outputs)).isEqualTo(y);
    }
  }
}
