package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Exponentials of whole vectors, by the project's own polynomials: the same bits on every machine,
 * for every vector length and for elements of the tail. The result may lie where the operand lies,
 * but must not overlap it otherwise.
 *
 * <p>{@link #exp} and {@link #tanh} are within 2 units in the last place; coefficients are minimax
 * fits made for this class.
 */
public final class VectorMath {
  private static final float LOG2_E = 1.442695f;

  /** ln 2 in two parts; the first has so few bits that its product with n is exact. */
  private static final float LN2_HIGH = 0x1.62e4p-1f;

  private static final float LN2_LOW = (float) (0.6931471805599453 - LN2_HIGH);

  /** Adding it leaves the nearest integer in the low bits. */
  private static final float ROUND = 0x1.8p23f;

  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
  private static final float OVERFLOW = 89;
  private static final float UNDERFLOW = -104;

  // exp(r) = 1 + r + r² (E0 + E1 r + …) for |r| <= ln(2) / 2, within 3.2e-9.
  private static final float E0 = 0x1p-1f;
  private static final float E1 = 0x1.55549p-3f;
  private static final float E2 = 0x1.55546p-5f;
  private static final float E3 = 0x1.123acp-7f;
  private static final float E4 = 0x1.6db31ap-10f;

  // tanh(x) = x + x³ (T0 + T1 x² + …) for |x| <= 0.64, within 6e-9 of tanh(x) / x.
  private static final float T0 = -0x1.55552ep-2f;
  private static final float T1 = 0x1.1105c6p-3f;
  private static final float T2 = -0x1.b80a5ep-5f;
  private static final float T3 = 0x1.50cc1cp-6f;
  private static final float T4 = -0x1.6f8d6cp-8f;

  /** Below it, tanh is its polynomial. */
  private static final float TANH_SMALL = 0.625f;

  private VectorMath() {}

  /** {@code y[i] = exp(x[i])}; overflows to infinity, underflows to 0 through subnormals. */
  public static void exp(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    exp(NativeMemory.floats(x, xOffset, n), NativeMemory.floats(y, yOffset, n), n);
  }

  /** {@code y[i] = tanh(x[i])}. */
  public static void tanh(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    tanh(NativeMemory.floats(x, xOffset, n), NativeMemory.floats(y, yOffset, n), n);
  }

  static void exp(long x, long y, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER);
      FloatVector rounded = v.mul(LOG2_E).add(ROUND);
      FloatVector whole = rounded.sub(ROUND);
      FloatVector r = whole.mul(-LN2_HIGH).add(v);
      r = whole.fma(FloatVector.broadcast(F, -LN2_LOW), r);
      FloatVector p = r.fma(FloatVector.broadcast(F, E4), FloatVector.broadcast(F, E3));
      p = p.fma(r, FloatVector.broadcast(F, E2));
      p = p.fma(r, FloatVector.broadcast(F, E1));
      p = p.fma(r, FloatVector.broadcast(F, E0));
      p = p.fma(r.mul(r), r).add(1);
      IntVector power = rounded.reinterpretAsInts().sub(ROUND_BITS);
      IntVector first = power.lanewise(VectorOperators.ASHR, 1);
      IntVector second = power.sub(first);
      p = p.mul(first.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
      p = p.mul(second.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
      VectorMask<Float> over = v.compare(VectorOperators.GT, OVERFLOW);
      VectorMask<Float> under = v.compare(VectorOperators.LT, UNDERFLOW);
      p.blend(Float.POSITIVE_INFINITY, over).blend(0, under).intoMemorySegment(ALL, y + at, ORDER);
    }
    for (; i < n; i++) {
      setFloat(y + ((long) i << 2), exp(getFloat(x + ((long) i << 2))));
    }
  }

  /** The same steps for one number. */
  static float exp(float v) {
    if (v > OVERFLOW) {
      return Float.POSITIVE_INFINITY;
    }
    if (v < UNDERFLOW) {
      return 0;
    }
    float rounded = v * LOG2_E + ROUND;
    float whole = rounded - ROUND;
    float r = Math.fma(whole, -LN2_LOW, whole * -LN2_HIGH + v);
    float p = Math.fma(r, E4, E3);
    p = Math.fma(p, r, E2);
    p = Math.fma(p, r, E1);
    p = Math.fma(p, r, E0);
    p = Math.fma(p, r * r, r) + 1;
    int power = Float.floatToRawIntBits(rounded) - ROUND_BITS;
    int first = power >> 1;
    p *= Float.intBitsToFloat((first + 127) << 23);
    return p * Float.intBitsToFloat((power - first + 127) << 23);
  }

  static void tanh(long x, long y, int n) {
    long t = Scratch.current().temporary();
    for (int from = 0; from < n; from += Scratch.TEMPORARY) {
      int count = Math.min(Scratch.TEMPORARY, n - from);
      long at = (long) from << 2;
      doubled(x + at, t, count);
      exp(t, t, count);
      tanhOf(x + at, t, y + at, count);
    }
  }

  /** {@code y = 2 |x|}. */
  private static void doubled(long x, long y, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER);
      v.abs().mul(2).intoMemorySegment(ALL, y + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(y + at, Math.abs(getFloat(x + at)) * 2);
    }
  }

  /** {@code y = tanh(x)}, where {@code e = exp(2 |x|)} is known. */
  private static void tanhOf(long x, long e, long y, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER);
      FloatVector square = v.mul(v);
      FloatVector p = square.fma(FloatVector.broadcast(F, T4), FloatVector.broadcast(F, T3));
      p = p.fma(square, FloatVector.broadcast(F, T2));
      p = p.fma(square, FloatVector.broadcast(F, T1));
      p = p.fma(square, FloatVector.broadcast(F, T0));
      FloatVector near = p.fma(square.mul(v), v);
      FloatVector plusOne = FloatVector.fromMemorySegment(F, ALL, e + at, ORDER).add(1);
      FloatVector far = FloatVector.broadcast(F, 1).sub(FloatVector.broadcast(F, 2).div(plusOne));
      VectorMask<Float> small = v.abs().compare(VectorOperators.LT, TANH_SMALL);
      IntVector sign = v.reinterpretAsInts().and(Integer.MIN_VALUE);
      IntVector unsigned = far.blend(near, small).reinterpretAsInts();
      unsigned.or(sign).reinterpretAsFloats().intoMemorySegment(ALL, y + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(y + at, tanhOf(getFloat(x + at), getFloat(e + at)));
    }
  }

  private static float tanhOf(float v, float e) {
    if (Math.abs(v) < TANH_SMALL) {
      float square = v * v;
      float p = Math.fma(square, T4, T3);
      p = Math.fma(p, square, T2);
      p = Math.fma(p, square, T1);
      p = Math.fma(p, square, T0);
      return Math.copySign(Math.fma(p, square * v, v), v); // -0 keeps its sign
    }
    return Math.copySign(1 - 2 / (e + 1), v);
  }

  /**
   * The error function, in double: the series {@code 2/sqrt(pi) exp(-x²) sum of 2^n x^(2n+1) /
   * (1·3·…·(2n+1))}, whose terms are all of one sign (Abramowitz and Stegun, 7.1.6).
   */
  public static double erf(double x) {
    if (Double.isNaN(x) || Math.abs(x) > 6) {
      return Double.isNaN(x) ? x : Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * StrictMath.exp(-x * x) * sum;
  }
}
