package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import jdk.incubator.vector.FloatVector;

/** Sums of rows with weights: a lane holds an element of the result and walks the rows in order. */
final class WeightedSum {
  private static final long BYTES = (long) LENGTH * Float.BYTES;
  private static final int WIDE = 4 * LENGTH;

  private WeightedSum() {}

  /**
   * {@code out[d] += weights[i] * rows[i][d]} for {@code i = 0 … count - 1}, each by fused
   * multiply-add.
   */
  static void add(long rows, long stride, long weights, int count, long out, int n) {
    int d = 0;
    for (; d + WIDE <= n; d += WIDE) {
      long at = (long) d << 2;
      wide(rows + at, stride, weights, count, out + at);
    }
    for (; d + LENGTH <= n; d += LENGTH) {
      long at = (long) d << 2;
      narrow(rows + at, stride, weights, count, out + at);
    }
    for (; d < n; d++) {
      long at = (long) d << 2;
      float sum = getFloat(out + at);
      for (int i = 0; i < count; i++) {
        sum = Math.fma(getFloat(weights + ((long) i << 2)), getFloat(rows + i * stride + at), sum);
      }
      setFloat(out + at, sum);
    }
  }

  private static void wide(long rows, long stride, long weights, int count, long out) {
    FloatVector s0 = FloatVector.fromMemorySegment(F, ALL, out, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(F, ALL, out + BYTES, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(F, ALL, out + 2 * BYTES, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(F, ALL, out + 3 * BYTES, ORDER);
    for (int i = 0; i < count; i++) {
      long row = rows + i * stride;
      FloatVector weight = FloatVector.broadcast(F, getFloat(weights + ((long) i << 2)));
      s0 = FloatVector.fromMemorySegment(F, ALL, row, ORDER).fma(weight, s0);
      s1 = FloatVector.fromMemorySegment(F, ALL, row + BYTES, ORDER).fma(weight, s1);
      s2 = FloatVector.fromMemorySegment(F, ALL, row + 2 * BYTES, ORDER).fma(weight, s2);
      s3 = FloatVector.fromMemorySegment(F, ALL, row + 3 * BYTES, ORDER).fma(weight, s3);
    }
    s0.intoMemorySegment(ALL, out, ORDER);
    s1.intoMemorySegment(ALL, out + BYTES, ORDER);
    s2.intoMemorySegment(ALL, out + 2 * BYTES, ORDER);
    s3.intoMemorySegment(ALL, out + 3 * BYTES, ORDER);
  }

  private static void narrow(long rows, long stride, long weights, int count, long out) {
    FloatVector sum = FloatVector.fromMemorySegment(F, ALL, out, ORDER);
    for (int i = 0; i < count; i++) {
      FloatVector weight = FloatVector.broadcast(F, getFloat(weights + ((long) i << 2)));
      sum = FloatVector.fromMemorySegment(F, ALL, rows + i * stride, ORDER).fma(weight, sum);
    }
    sum.intoMemorySegment(ALL, out, ORDER);
  }
}
