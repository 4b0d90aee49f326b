package dev.sluice.model.kernel;

import dev.sluice.model.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Plain loops straight from the contract of the package, and random operands for them. */
final class KernelOracle {
  private KernelOracle() {}

  /** The fixed tree over 16 lanes. */
  static float tree(float[] lanes) {
    float[] sums = lanes.clone();
    for (int step = 8; step > 0; step /= 2) {
      for (int j = 0; j < step; j++) {
        sums[j] += sums[j + step];
      }
    }
    return sums[0];
  }

  static float dot(float[] a, int aFrom, float[] b, int bFrom, int n) {
    float[] lanes = new float[16];
    for (int k = 0; k < n; k++) {
      lanes[k % 16] = Math.fma(a[aFrom + k], b[bFrom + k], lanes[k % 16]);
    }
    return tree(lanes);
  }

  static float sum(float[] a) {
    float[] lanes = new float[16];
    for (int k = 0; k < a.length; k++) {
      lanes[k % 16] += a[k];
    }
    return tree(lanes);
  }

  static float[] softmax(float[] x) {
    float max = Float.NEGATIVE_INFINITY;
    for (float v : x) {
      max = Math.max(max, v);
    }
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = VectorMath.exp(x[i] - max);
    }
    float factor = 1 / sum(y);
    for (int i = 0; i < y.length; i++) {
      y[i] *= factor;
    }
    return y;
  }

  static float[] gaussians(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** A copy in native memory, at an odd place. */
  static MemorySegment segment(Arena arena, float[] values) {
    MemorySegment segment = floats(arena, values.length);
    MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
    return segment;
  }

  static MemorySegment floats(Arena arena, long n) {
    return arena.allocate(n * Float.BYTES + 2, 4).asSlice(2);
  }

  static float[] array(MemorySegment segment) {
    float[] values = new float[(int) (segment.byteSize() / Float.BYTES)];
    MemorySegment.copy(segment, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values, 0, values.length);
    return values;
  }

  /** Random weights: any bits, but with scales that keep the values finite. */
  static MemorySegment weights(Arena arena, GgmlType type, long rows, int columns, Random random) {
    byte[] bytes = new byte[(int) type.bytesFor(rows * columns)];
    random.nextBytes(bytes);
    MemorySegment data = arena.allocate(bytes.length + 1).asSlice(1);
    MemorySegment.copy(bytes, 0, data, ValueLayout.JAVA_BYTE, 0, bytes.length);
    for (long block = 0; block < bytes.length; block += type.blockBytes()) {
      for (int offset : scaleOffsets(type)) {
        float value = (float) random.nextGaussian();
        switch (type) {
          case F32 -> data.set(ValueLayout.JAVA_FLOAT_UNALIGNED, block, value);
          case BF16 -> setShort(data, block, (short) (Float.floatToIntBits(value) >> 16));
          default -> setShort(data, block + offset, Float.floatToFloat16(value / 16));
        }
      }
    }
    return data;
  }

  private static void setShort(MemorySegment data, long offset, short value) {
    data.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, value);
  }

  private static int[] scaleOffsets(GgmlType type) {
    return switch (type) {
      case F32, F16, BF16, Q4_0, Q5_0, Q8_0, IQ4_NL, IQ4_XS -> new int[] {0};
      case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
      case Q2_K -> new int[] {80, 82};
      case Q3_K -> new int[] {108};
      case Q6_K -> new int[] {208};
    };
  }
}
