package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PackedMatrixTest {
  private static final int BLOCK = 32;

  @Provide
  Arbitrary<GgmlType> types() {
    return Arbitraries.of(GgmlType.Q8_0, GgmlType.Q4_0);
  }

  @Property(tries = 150)
  void shouldMultiplyInTheOrderOfTheContract(
      @ForAll("types") GgmlType type,
      @ForAll @IntRange(min = 1, max = 70) int rows,
      @ForAll @IntRange(min = 1, max = 40) int blocks,
      @ForAll @IntRange(min = 1, max = 14) int tokens,
      @ForAll @IntRange(min = 1, max = 4) int threads,
      @ForAll long seed) {
    Random random = new Random(seed);
    int columns = blocks * BLOCK;
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool(threads, KernelChoice.JAVA)) {
      MemorySegment data = KernelOracle.weights(arena, type, rows, columns, random);
      Matrix matrix = Matrix.of(type, rows, columns, data);
      float[] x = inputs(random, tokens * columns);
      float[] expected = product(type, data, rows, columns, x, tokens);
      PackedMatrix packed = PackedMatrix.pack(arena, pool, List.of(matrix));
      MemorySegment inputs = KernelOracle.segment(arena, x);
      MemorySegment y = KernelOracle.floats(arena, (long) rows * tokens);
      packed.multiply(pool, inputs, 0, columns, tokens, y, 0, rows);
      assertThat(KernelOracle.array(y)).isEqualTo(expected);
      for (KernelProvider kernels : natives()) {
        assertThat(byPanels(packed, kernels, pool, inputs, tokens))
            .as(kernels.name())
            .isEqualTo(expected);
      }
    }
  }

  /** All levels of the native kernels that this machine has. */
  private static List<KernelProvider> natives() {
    List<KernelProvider> all = new ArrayList<>();
    if (NativeKernels.isAvailable()) {
      NativeKernels best = NativeKernels.instance();
      for (int level = 1; level <= best.level(); level++) {
        all.add(best.atLevel(level));
      }
    }
    return all;
  }

  private static float[] byPanels(
      PackedMatrix packed, KernelProvider kernels, WorkerPool pool, MemorySegment x, int tokens) {
    QuantizedRows activations = new QuantizedRows();
    PackedFormat format = packed.format();
    activations.quantize(
        pool, kernels, x.address(), packed.columns(), tokens, packed.columns(), format.zeroPoint());
    int rows = (int) packed.rows();
    int panels = (rows + 15) / 16;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment y = KernelOracle.floats(arena, (long) rows * tokens);
      kernels.multiply(
          format,
          packed.address(),
          panels,
          rows - (panels - 1) * 16,
          activations,
          y.address(),
          rows);
      return KernelOracle.array(y);
    }
  }

  /** Gaussians, with blocks of zeros and of very small and large numbers among them. */
  private static float[] inputs(Random random, int n) {
    float[] x = KernelOracle.gaussians(random, n);
    for (int block = 0; block < n; block += BLOCK) {
      float factor =
          switch (random.nextInt(8)) {
            case 0 -> 0f;
            case 1 -> 1e-38f;
            case 2 -> 1e20f;
            default -> 1f;
          };
      for (int i = block; i < block + BLOCK; i++) {
        x[i] *= factor;
      }
    }
    return x;
  }

  /** The formula of {@link PackedMatrix}, one number after the other. */
  private static float[] product(
      GgmlType type, MemorySegment data, int rows, int columns, float[] x, int tokens) {
    float[] y = new float[rows * tokens];
    float[] scale = new float[1];
    int[] quants = new int[BLOCK];
    for (int t = 0; t < tokens; t++) {
      for (int r = 0; r < rows; r++) {
        float sum = 0;
        for (int block = 0; block < columns; block += BLOCK) {
          float most = 0;
          for (int i = 0; i < BLOCK; i++) {
            most = Math.max(most, Math.abs(x[t * columns + block + i]));
          }
          float inverse = most < 1e-30f ? 0 : 2047 / most;
          weights(type, data, (long) r * columns + block, quants, scale);
          int dot = 0;
          for (int i = 0; i < BLOCK; i++) {
            dot += quants[i] * (int) Math.rint(x[t * columns + block + i] * inverse);
          }
          sum = Math.fma((float) dot, scale[0] * (most < 1e-30f ? 0 : most / 2047), sum);
        }
        y[t * rows + r] = sum;
      }
    }
    return y;
  }

  /** The quants of a block, signed, and its scale, from what the dequantizer says. */
  private static void weights(
      GgmlType type, MemorySegment data, long element, int[] quants, float[] scale) {
    float[] values = new float[BLOCK];
    Dequantizer.dequantize(type, data, element, values, 0, BLOCK);
    short half = data.get(NativeMemory.SHORT, type.bytesFor(element));
    scale[0] = Float.float16ToFloat(half);
    for (int i = 0; i < BLOCK; i++) {
      quants[i] = scale[0] == 0 ? 0 : Math.round(values[i] / scale[0]);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0"})
  void shouldStayNearTheProductWithoutRounding(GgmlType type) {
    int rows = 48;
    int columns = 512;
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool(2)) {
      Random random = new Random(11);
      Matrix matrix =
          Matrix.of(type, rows, columns, KernelOracle.weights(arena, type, rows, columns, random));
      MemorySegment x = KernelOracle.segment(arena, KernelOracle.gaussians(random, columns));
      MemorySegment exact = KernelOracle.floats(arena, rows);
      MemorySegment rounded = KernelOracle.floats(arena, rows);
      matrix.multiply(pool, x, 0, columns, 1, exact, 0, rows);
      PackedMatrix.pack(arena, pool, List.of(matrix))
          .multiply(pool, x, 0, columns, 1, rounded, 0, rows);
      float[] a = KernelOracle.array(exact);
      float[] b = KernelOracle.array(rounded);
      double size = Math.sqrt(mean(a, a));
      float[] difference = new float[rows];
      for (int i = 0; i < rows; i++) {
        difference[i] = a[i] - b[i];
      }
      // 12 bits of blocks whose largest is some 2.1 deviations: an error of 2.1 / 2047 / sqrt(12).
      assertThat(Math.sqrt(mean(difference, difference)) / size).isCloseTo(0, within(0.0005));
    }
  }

  private static double mean(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum / a.length;
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void shouldTellOfInputsThatAreNoNumbers(float bad) {
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool(1)) {
      float[] x = KernelOracle.gaussians(new Random(5), 64);
      x[40] = bad;
      Matrix matrix =
          Matrix.of(
              GgmlType.Q8_0,
              3,
              64,
              KernelOracle.weights(arena, GgmlType.Q8_0, 3, 64, new Random()));
      MemorySegment y = KernelOracle.floats(arena, 3);
      PackedMatrix.pack(arena, pool, List.of(matrix))
          .multiply(pool, KernelOracle.segment(arena, x), 0, 64, 1, y, 0, 3);
      assertThat(KernelOracle.array(y)).containsOnly(Float.NaN);
    }
  }

  @Test
  void shouldPackMatricesOneBehindTheOther() {
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool(2)) {
      Random random = new Random(3);
      Matrix all =
          Matrix.of(
              GgmlType.Q4_0, 45, 96, KernelOracle.weights(arena, GgmlType.Q4_0, 45, 96, random));
      MemorySegment x = KernelOracle.segment(arena, KernelOracle.gaussians(random, 96));
      MemorySegment whole = KernelOracle.floats(arena, 45);
      MemorySegment parts = KernelOracle.floats(arena, 45);
      PackedMatrix.pack(arena, pool, List.of(all)).multiply(pool, x, 0, 96, 1, whole, 0, 45);
      PackedMatrix.pack(arena, pool, List.of(all.slice(0, 19), all.slice(19, 26)))
          .multiply(pool, x, 0, 96, 1, parts, 0, 45);
      assertThat(KernelOracle.array(parts)).isEqualTo(KernelOracle.array(whole));
    }
  }

  @Test
  void shouldRefuseWhatItCannotPack() {
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool(1)) {
      Matrix wide = Matrix.of(GgmlType.Q4_0, 1, 64, arena.allocate(36));
      Matrix narrow = Matrix.of(GgmlType.Q4_0, 1, 32, arena.allocate(18));
      Matrix floats = Matrix.of(GgmlType.F32, 1, 32, arena.allocate(128));
      assertThatThrownBy(() -> PackedMatrix.pack(arena, pool, List.of(wide, narrow)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> PackedMatrix.pack(arena, pool, List.of(floats)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldHaveNativeKernelsWhereThereIsACompiler() {
    String trouble = KernelChoice.nativeTrouble();
    assumeTrue(trouble.isEmpty(), () -> "no native kernels: " + trouble);
    try (WorkerPool pool = new WorkerPool(1, KernelChoice.NATIVE)) {
      assertThat(pool.kernelName()).startsWith("native, ");
    }
    try (WorkerPool pool = new WorkerPool(1, KernelChoice.JAVA)) {
      assertThat(pool.kernelName()).startsWith("java, ");
    }
  }
}
