package dev.sluice.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class KBlocksTest {
  private static final int BLOCKS = 64;
  private static final int COUNT = BLOCKS * KBlocks.SIZE;

  /** What weights look like: {@link #draw} says how. */
  private enum Kind {
    GAUSSIAN,
    UNIFORM,
    HEAVY_TAILED,
    POSITIVE,
    WITH_OUTLIERS
  }

  /** Levels of a type, elements of a group, whether it has minimums, its largest factor. */
  enum Shape {
    Q4_K(GgmlType.Q4_K, 15, 32, 63),
    Q5_K(GgmlType.Q5_K, 31, 32, 63),
    Q6_K(GgmlType.Q6_K, 63, 16, 127);

    private final GgmlType type;
    private final int top;
    private final int group;
    private final int largestFactor;

    Shape(GgmlType type, int top, int group, int largestFactor) {
      this.type = type;
      this.top = top;
      this.group = group;
      this.largestFactor = largestFactor;
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldBeCloserThanTheScaleThatJustSpansAGroup(Shape shape) {
    for (Kind kind : Kind.values()) {
      float[] values = draw(kind, 1, COUNT);
      float[] back = there(shape.type, values);
      float[] naive = naive(shape, values);
      double size = Math.sqrt(squares(values, new float[COUNT], shape, false));
      double error = Math.sqrt(squares(values, back, shape, false)) / size;
      double naiveError = Math.sqrt(squares(values, naive, shape, false)) / size;
      assertThat(error).as("%s of %s", shape, kind).isLessThan(0.99 * naiveError);
      assertThat(squares(values, back, shape, true))
          .as("weighted, %s of %s", shape, kind)
          .isLessThan(0.95 * squares(values, naive, shape, true));
      double bound =
          switch (shape) {
            case Q4_K -> 0.095;
            case Q5_K -> 0.048;
            case Q6_K -> 0.025;
          };
      assertThat(error).as("%s of %s", shape, kind).isLessThan(bound);
    }
  }

  /** Two and a half steps of the widest group: one half of rounding, the rest of the factors. */
  @Property(tries = 300)
  void shouldStayWithinAFewStepsWhateverTheValues(@ForAll long seed) {
    Random random = new Random(seed);
    for (Shape shape : Shape.values()) {
      Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
      float[] values = draw(kind, seed, KBlocks.SIZE);
      float factor = Math.scalb(1f, random.nextInt(24) - 14);
      for (int i = 0; i < values.length; i++) {
        values[i] *= random.nextInt(8) == 0 ? 0 : factor;
      }
      float[] back = there(shape.type, values);
      float span = 0;
      for (float value : values) {
        span = Math.max(span, 2 * Math.abs(value));
      }
      double halfFloats = 64 * 64 * 0x1p-24; // where the super-block's factors are subnormal
      for (int i = 0; i < values.length; i++) {
        assertThat(Math.abs(back[i] - values[i]))
            .as("seed %d: %s of %s, value %d: %s", seed, shape, kind, i, values[i])
            .isLessThanOrEqualTo((float) (2.5 * span / shape.top + halfFloats));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldGiveTheSameBytesForTheSameValues(Shape shape) {
    float[] values = draw(Kind.GAUSSIAN, 5, COUNT);
    byte[] whole = quantized(shape.type, values);
    assertThat(quantized(shape.type, values)).isEqualTo(whole);
    byte[] third = new byte[shape.type.blockBytes()];
    Quantizer.quantize(
        shape.type, values, 2 * KBlocks.SIZE, KBlocks.SIZE, MemorySegment.ofArray(third));
    int at = 2 * shape.type.blockBytes();
    assertThat(third).isEqualTo(Arrays.copyOfRange(whole, at, at + third.length));
  }

  @ParameterizedTest
  @EnumSource
  void shouldKeepWhatIsAllAlike(Shape shape) {
    for (float value : new float[] {0, 0.75f, -0.75f, 1e-30f, -1e-30f}) {
      float[] values = new float[KBlocks.SIZE];
      Arrays.fill(values, value);
      for (float back : there(shape.type, values)) {
        assertThat(Math.abs(back - value)).isLessThanOrEqualTo(Math.abs(value) * 1e-3f + 1e-29f);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldRefuseWhatHasNoScale(Shape shape) {
    float[] values = new float[KBlocks.SIZE];
    values[200] = Float.NaN;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantized(shape.type, values))
        .withMessageContaining("value 200 is NaN");
    values[200] = 3e38f;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantized(shape.type, values))
        .withMessageContaining("too large");
  }

  private static float[] draw(Kind kind, long seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      double g = random.nextGaussian();
      values[i] =
          (float)
              switch (kind) {
                case GAUSSIAN -> g;
                case UNIFORM -> random.nextDouble() * 2 - 1;
                case HEAVY_TAILED -> g * Math.exp(0.5 * random.nextGaussian());
                case POSITIVE -> 1 + 0.3 * Math.abs(g);
                case WITH_OUTLIERS -> random.nextInt(60) == 0 ? 4 * g : g;
              };
    }
    return values;
  }

  /** The squared error, or with each weight's error counted by its size. */
  private static double squares(float[] values, float[] back, Shape shape, boolean weighted) {
    double sum = 0;
    for (int at = 0; at < values.length; at += shape.group) {
      double mean = 0;
      for (int i = at; i < at + shape.group; i++) {
        mean += (double) values[i] * values[i] / shape.group;
      }
      for (int i = at; i < at + shape.group; i++) {
        double error = back[i] - values[i];
        sum += (weighted ? 1 + Math.abs(values[i]) / Math.sqrt(mean) : 1) * error * error;
      }
    }
    return sum;
  }

  /** What comes back when each group's scale is that which just spans it. */
  private static float[] naive(Shape shape, float[] values) {
    float[] back = new float[values.length];
    int groups = KBlocks.SIZE / shape.group;
    double[] scales = new double[groups];
    double[] minimums = new double[groups];
    for (int block = 0; block < values.length; block += KBlocks.SIZE) {
      for (int group = 0; group < groups; group++) {
        span(shape, values, block + group * shape.group, group, scales, minimums);
      }
      double d = half(Arrays.stream(scales).max().orElseThrow() / shape.largestFactor);
      double m = half(Arrays.stream(minimums).max().orElseThrow() / shape.largestFactor);
      for (int i = 0; i < KBlocks.SIZE; i++) {
        double scale = d * Math.rint(scales[i / shape.group] / d);
        double minimum = m == 0 ? 0 : m * Math.rint(minimums[i / shape.group] / m);
        int low = shape == Shape.Q6_K ? -32 : 0;
        double q = Math.rint((values[block + i] + minimum) / scale);
        back[block + i] = (float) (scale * Math.clamp(q, low, low + shape.top) - minimum);
      }
    }
    return back;
  }

  private static void span(
      Shape shape, float[] values, int at, int group, double[] scales, double[] minimums) {
    double low = 0;
    double high = 0;
    for (int i = at; i < at + shape.group; i++) {
      low = Math.min(low, values[i]);
      high = Math.max(high, values[i]);
    }
    boolean symmetric = shape == Shape.Q6_K;
    scales[group] = symmetric ? Math.max(-low, high) / 31 : (high - low) / shape.top;
    minimums[group] = symmetric ? 0 : -low;
  }

  private static double half(double value) {
    return Float.float16ToFloat(Float.floatToFloat16((float) value));
  }

  private static byte[] quantized(GgmlType type, float[] values) {
    byte[] raw = new byte[(int) type.bytesFor(values.length)];
    Quantizer.quantize(type, values, 0, values.length, MemorySegment.ofArray(raw));
    return raw;
  }

  /** There and back. */
  private static float[] there(GgmlType type, float[] values) {
    float[] back = new float[values.length];
    byte[] raw = quantized(type, values);
    Dequantizer.dequantize(type, MemorySegment.ofArray(raw), 0, back, 0, back.length);
    return back;
  }
}
