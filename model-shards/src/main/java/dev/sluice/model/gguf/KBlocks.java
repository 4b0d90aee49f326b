package dev.sluice.model.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Quantizes super-blocks of 256 weights to Q4_K, Q5_K and Q6_K; the layouts are written out in
 * {@link Dequantizer}.
 *
 * <p>Each group of 16 or 32 weights tries a row of scales around the one that just spans it. A
 * trial rounds the weights with its scale, then takes those factors that fit the rounded levels
 * best by weighted least squares, in closed form; the trial with the least error wins. A weight's
 * error counts by its size beside the group's root mean square, since large weights carry more of a
 * product. Only then the groups' factors are rounded to the super-block's, and the levels chosen
 * again for the factors as they are stored.
 *
 * <p>The same values give the same bytes. For one thread: it holds the work of a block.
 */
final class KBlocks {
  /** Weights of a super-block. */
  static final int SIZE = 256;

  private static final int GROUP_Q6 = 16;
  private static final int GROUP_Q4 = 32;

  /** Trials on either side of the scale that just spans a group, and what is between two. */
  private static final int TRIALS = 10;

  private static final float TRIAL_STEP = 0.1f;

  /** The largest scale or minimum that Q4_K and Q5_K store for a group. */
  private static final int LARGEST_FACTOR = 63;

  private final byte[] bytes = new byte[GgmlType.Q6_K.blockBytes()];
  private final int[] levels = new int[SIZE];
  private final float[] weights = new float[GROUP_Q4];
  private final float[] scales = new float[SIZE / GROUP_Q6];
  private final float[] minimums = new float[SIZE / GROUP_Q4];

  /**
   * Writes the block of {@code values[in .. in+256)}.
   *
   * @throws IllegalArgumentException for a value that is not finite or too large for the scales
   */
  void quantize(GgmlType type, float[] values, int in, MemorySegment dst, long at) {
    Arrays.fill(bytes, (byte) 0);
    switch (type) {
      case Q4_K -> blockQ4K(values, in);
      case Q5_K -> blockQ5K(values, in);
      case Q6_K -> blockQ6K(values, in);
      default -> throw new IllegalArgumentException(type + " has no super-blocks of these kinds");
    }
    MemorySegment.copy(bytes, 0, dst, ValueLayout.JAVA_BYTE, at, type.blockBytes());
  }

  private void blockQ4K(float[] values, int in) {
    affineBlock(values, in, 15);
    for (int i = 0; i < SIZE; i++) {
      put(16 + i / 64 * 32 + i % 32, i / GROUP_Q4 % 2 * 4, levels[i]);
    }
  }

  private void blockQ5K(float[] values, int in) {
    affineBlock(values, in, 31);
    for (int i = 0; i < SIZE; i++) {
      put(48 + i / 64 * 32 + i % 32, i / GROUP_Q4 % 2 * 4, levels[i] & 0xF);
      put(16 + i % 32, i / GROUP_Q4, levels[i] >> 4);
    }
  }

  /** d, m, the groups' scales and minimums; and the levels, which the caller packs. */
  private void affineBlock(float[] values, int in, int top) {
    float largestScale = 0;
    float largestMinimum = 0;
    for (int group = 0; group < minimums.length; group++) {
      fitAffine(values, in + group * GROUP_Q4, group, top);
      largestScale = Math.max(largestScale, scales[group]);
      largestMinimum = Math.max(largestMinimum, minimums[group]);
    }
    float d = half(0, largestScale / LARGEST_FACTOR);
    float m = half(2, largestMinimum / LARGEST_FACTOR);
    for (int group = 0; group < minimums.length; group++) {
      int scale = nearest(scales[group], d, 0, LARGEST_FACTOR);
      int minimum = nearest(minimums[group], m, 0, LARGEST_FACTOR);
      if (group < 4) {
        put(4 + group, 0, scale);
        put(8 + group, 0, minimum);
      } else {
        put(8 + group, 0, scale & 0xF);
        put(8 + group, 4, minimum & 0xF);
        put(group, 6, scale >> 4);
        put(4 + group, 6, minimum >> 4);
      }
      for (int i = group * GROUP_Q4; i < (group + 1) * GROUP_Q4; i++) {
        levels[i] = nearest(values[in + i] + m * minimum, d * scale, 0, top);
      }
    }
  }

  /**
   * The scale and the minimum of a group: the {@code s} and {@code m}, neither negative, for which
   * {@code s q - m} with {@code q} from 0 to {@code top} is closest.
   */
  private void fitAffine(float[] values, int at, int group, int top) {
    weigh(values, at, GROUP_Q4);
    double low = 0;
    double high = Float.NEGATIVE_INFINITY;
    double sumW = 0;
    double sumX = 0;
    for (int i = 0; i < GROUP_Q4; i++) {
      double x = values[at + i];
      low = Math.min(low, x);
      high = Math.max(high, x);
      sumW += weights[i];
      sumX += weights[i] * x;
    }
    scales[group] = 0;
    minimums[group] = (float) -low;
    double least = Double.POSITIVE_INFINITY;
    for (int trial = -TRIALS; trial <= TRIALS && high > low; trial++) {
      double inverse = (top + trial * TRIAL_STEP) / (high - low);
      double sumQ = 0;
      double sumQq = 0;
      double sumXq = 0;
      for (int i = 0; i < GROUP_Q4; i++) {
        double x = values[at + i];
        double q = Math.min(Math.rint(inverse * (x - low)), top);
        double wq = weights[i] * q;
        sumQ += wq;
        sumQq += wq * q;
        sumXq += wq * x;
      }
      // Minimize sum w (s q - m - x)^2: two linear equations in s and m.
      double determinant = sumW * sumQq - sumQ * sumQ;
      double scale = determinant > 0 ? (sumW * sumXq - sumX * sumQ) / determinant : 0;
      double minimum = determinant > 0 ? (sumQ * sumXq - sumQq * sumX) / determinant : 0;
      if (!(minimum > 0)) {
        minimum = 0;
        scale = sumXq / sumQq;
      }
      // The error but for the constant sum w x^2.
      double error =
          scale * scale * sumQq
              + minimum * minimum * sumW
              - 2 * scale * minimum * sumQ
              - 2 * scale * sumXq
              + 2 * minimum * sumX;
      if (scale > 0 && error < least) {
        least = error;
        scales[group] = (float) scale;
        minimums[group] = (float) minimum;
      }
    }
  }

  private void blockQ6K(float[] values, int in) {
    float largest = 0;
    for (int group = 0; group < scales.length; group++) {
      scales[group] = fitSymmetric(values, in + group * GROUP_Q6);
      largest = Math.abs(scales[group]) > Math.abs(largest) ? scales[group] : largest;
    }
    float d = half(208, largest / -128);
    for (int group = 0; group < scales.length; group++) {
      int scale = nearest(scales[group], d, -128, 127);
      bytes[192 + group] = (byte) scale;
      for (int i = group * GROUP_Q6; i < (group + 1) * GROUP_Q6; i++) {
        int level = nearest(values[in + i], d * scale, -32, 31) + 32;
        put(i / 128 * 64 + i % 64, i % 128 / 64 * 4, level & 0xF);
        put(128 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, level >> 4);
      }
    }
  }

  /** The {@code s}, of either sign, for which {@code s q} with q from -32 to 31 is closest. */
  private float fitSymmetric(float[] values, int at) {
    weigh(values, at, GROUP_Q6);
    float extreme = 0;
    for (int i = at; i < at + GROUP_Q6; i++) {
      extreme = Math.abs(values[i]) > Math.abs(extreme) ? values[i] : extreme;
    }
    double best = 0;
    double most = 0;
    for (int trial = -TRIALS; trial <= TRIALS && extreme != 0; trial++) {
      double inverse = -(32 + trial * TRIAL_STEP) / (double) extreme;
      double sumQq = 0;
      double sumXq = 0;
      for (int i = 0; i < GROUP_Q6; i++) {
        double x = values[at + i];
        double q = Math.clamp(Math.rint(inverse * x), -32, 31);
        sumQq += weights[i] * q * q;
        sumXq += weights[i] * q * x;
      }
      // With s = sum wxq / sum wqq the error is sum wx^2 less this.
      double gain = sumXq * sumXq / sumQq;
      if (gain > most) {
        most = gain;
        best = sumXq / sumQq;
      }
    }
    return (float) best;
  }

  /** How much the error of each weight of a group counts. */
  private void weigh(float[] values, int at, int count) {
    double squares = 0;
    for (int i = at; i < at + count; i++) {
      if (!Float.isFinite(values[i])) {
        throw new IllegalArgumentException("value " + i + " is " + values[i]);
      }
      squares += (double) values[i] * values[i];
    }
    double mean = Math.sqrt(squares / count);
    for (int i = 0; i < count; i++) {
      weights[i] = (float) (mean == 0 ? 0 : 1 + Math.abs(values[at + i]) / mean);
    }
  }

  /** The level whose multiple of {@code step} is nearest; what is nearest to 0 for a step of 0. */
  private static int nearest(float value, float step, int from, int to) {
    return step == 0 ? 0 : (int) Math.clamp(Math.rint((double) value / step), from, to);
  }

  /** Stores a factor as a half float; the factor as it is read back. */
  private float half(int index, float value) {
    short half = Quantizer.scale(value);
    bytes[index] = (byte) half;
    bytes[index + 1] = (byte) (half >> 8);
    return Float.float16ToFloat(half);
  }

  /** Sets bits of a byte that are 0 still. */
  private void put(int index, int shift, int value) {
    bytes[index] |= (byte) (value << shift);
  }
}
