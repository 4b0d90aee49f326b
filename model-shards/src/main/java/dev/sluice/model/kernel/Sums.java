package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.Lanes.VIRTUAL;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import jdk.incubator.vector.FloatVector;

/**
 * Sums over one vector, left in 16 virtual lanes for {@link Lanes#tree}. Addresses are unchecked.
 */
final class Sums {
  private Sums() {}

  /** Lanes of {@code sum(a[k] * b[k])}. */
  static void dot(long a, long b, int n, long lanes) {
    int whole = n & -VIRTUAL;
    for (int part = 0; part < VIRTUAL; part += LENGTH) {
      FloatVector sum = FloatVector.zero(F);
      for (int k = part; k < whole; k += VIRTUAL) {
        long at = (long) k << 2;
        FloatVector x = FloatVector.fromMemorySegment(F, ALL, a + at, ORDER);
        FloatVector y = FloatVector.fromMemorySegment(F, ALL, b + at, ORDER);
        sum = x.fma(y, sum);
      }
      sum.intoMemorySegment(ALL, lanes + ((long) part << 2), ORDER);
    }
    for (int k = whole; k < n; k++) {
      long lane = lanes + ((long) (k - whole) << 2);
      long at = (long) k << 2;
      setFloat(lane, Math.fma(getFloat(a + at), getFloat(b + at), getFloat(lane)));
    }
  }

  /** Lanes of {@code sum(a[k])}. */
  static void plain(long a, int n, long lanes) {
    int whole = n & -VIRTUAL;
    for (int part = 0; part < VIRTUAL; part += LENGTH) {
      FloatVector sum = FloatVector.zero(F);
      for (int k = part; k < whole; k += VIRTUAL) {
        sum = sum.add(FloatVector.fromMemorySegment(F, ALL, a + ((long) k << 2), ORDER));
      }
      sum.intoMemorySegment(ALL, lanes + ((long) part << 2), ORDER);
    }
    for (int k = whole; k < n; k++) {
      long lane = lanes + ((long) (k - whole) << 2);
      setFloat(lane, getFloat(lane) + getFloat(a + ((long) k << 2)));
    }
  }
}
