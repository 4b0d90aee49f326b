package dev.sluice.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.model.Fixtures;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

final class DequantizerTest {
  private static final Set<GgmlType> QUANTIZABLE =
      EnumSet.of(
          GgmlType.F32,
          GgmlType.F16,
          GgmlType.BF16,
          GgmlType.Q8_0,
          GgmlType.Q4_0,
          GgmlType.Q4_1,
          GgmlType.Q5_0,
          GgmlType.Q5_1);

  @Test
  void shouldGiveTheFixturesBitForBit() throws IOException {
    JsonNode fixtures =
        new ObjectMapper().readTree(Fixtures.path("quants/dequantize.json").toFile());
    Set<GgmlType> missing = EnumSet.complementOf(EnumSet.of(GgmlType.F32));
    for (var entry : fixtures.properties()) {
      JsonNode fixture = entry.getValue();
      GgmlType type = GgmlType.ofId(fixture.get("ggml_type").asInt()).orElseThrow();
      assertThat(type.name()).isEqualTo(entry.getKey());
      assertThat(type.blockSize()).isEqualTo(fixture.get("block").asInt());
      assertThat(type.blockBytes()).isEqualTo(fixture.get("bytes_per_block").asInt());
      byte[] raw = decode(fixture, "raw_base64");
      float[] expected = floats(decode(fixture, "f32_le_base64"));
      assertThat(bits(dequantize(type, raw, 0, expected.length)))
          .as(type.name())
          .isEqualTo(bits(expected));
      missing.remove(type);
    }
    assertThat(missing).isEmpty();
  }

  @Test
  void shouldReadF32AsItIs() {
    float[] values = {1.5f, -0f, Float.MIN_VALUE, Float.NEGATIVE_INFINITY, Float.NaN};
    byte[] raw = new byte[values.length * Float.BYTES];
    ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
    assertThat(bits(dequantize(GgmlType.F32, raw, 0, values.length))).isEqualTo(bits(values));
  }

  @Property(tries = 300)
  void shouldGiveAPartAsItGivesTheWhole(
      @ForAll GgmlType type,
      @ForAll long seed,
      @ForAll @IntRange(min = 0, max = 3) int firstBlock,
      @ForAll @IntRange(min = 0, max = 3) int blocks) {
    byte[] raw = randomBytes(seed, (int) type.bytesFor(6L * type.blockSize()));
    int first = firstBlock * type.blockSize();
    int count = blocks * type.blockSize();
    float[] whole = dequantize(type, raw, 0, 6 * type.blockSize());
    float[] part = new float[count + 5];
    Arrays.fill(part, 42);
    Dequantizer.dequantize(type, MemorySegment.ofArray(raw), first, part, 3, count);
    assertThat(bits(Arrays.copyOfRange(part, 3, 3 + count)))
        .isEqualTo(bits(Arrays.copyOfRange(whole, first, first + count)));
    assertThat(part[2]).isEqualTo(42);
    assertThat(part[3 + count]).isEqualTo(42);
  }

  @Property(tries = 300)
  void shouldStayWithinHalfAStepOfWhatWasQuantized(
      @ForAll long seed, @ForAll @IntRange(min = -20, max = 8) int magnitude) {
    for (GgmlType type : QUANTIZABLE) {
      float[] values = randomFloats(seed, 64, Math.scalb(1f, magnitude));
      byte[] raw = quantize(type, values);
      float[] back = dequantize(type, raw, 0, values.length);
      for (int i = 0; i < values.length; i++) {
        assertThat((double) back[i])
            .as("%s of %s", type, values[i])
            .isCloseTo(values[i], Offset.offset(tolerance(type, values, i)));
      }
    }
  }

  /**
   * Half a step of the type; for Q4_0 and Q5_0 a whole one, because their +8 and +16 do not exist.
   * The steps of Q4_1 and Q5_1 are shares of at most twice the largest magnitude.
   */
  private static double tolerance(GgmlType type, float[] values, int index) {
    int block = index / 32 * 32;
    float largest = 0;
    for (int i = block; i < block + 32; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    double halfFloat = 1e-3 * largest + 127 * 0x1p-25; // the scale's own rounding, subnormal or not
    return switch (type) {
      case F32 -> 1e-300;
      case F16 -> Math.abs(values[index]) * 0x1p-11 + 0x1p-25;
      case BF16 -> Math.abs(values[index]) * 0x1p-8;
      case Q8_0 -> largest / 127 / 2 + halfFloat;
      case Q4_0 -> largest / 8 + halfFloat;
      case Q4_1 -> largest / 15 + 3 * halfFloat;
      case Q5_0 -> largest / 16 + halfFloat;
      case Q5_1 -> largest / 31 + 3 * halfFloat;
      default -> throw new AssertionError(type);
    };
  }

  @Property(tries = 300)
  void shouldQuantizeAgainToTheSameBytes(@ForAll long seed) {
    for (GgmlType type : Set.of(GgmlType.F32, GgmlType.F16, GgmlType.BF16)) {
      byte[] once = quantize(type, randomFloats(seed, 32, 3));
      byte[] twice = quantize(type, dequantize(type, once, 0, 32));
      assertThat(twice).isEqualTo(once);
    }
  }

  @Test
  void shouldRoundAsTheReferenceDoes() {
    // 127 is the largest, so the scale is 1: halves go away from zero
    float[] values = new float[32];
    values[0] = 127;
    values[1] = 0.5f;
    values[2] = -0.5f;
    values[3] = 0.49999997f;
    values[4] = -1.5f;
    byte[] bytes = quantize(GgmlType.Q8_0, values);
    assertThat(Arrays.copyOf(bytes, 7)).containsExactly(0x00, 0x3C, 127, 1, -1, 0, -2);

    // the largest magnitude is positive, so the scale is negative and it becomes -8
    float[] four = new float[32];
    four[0] = 8;
    four[1] = -8;
    four[16] = 4;
    byte[] packed = quantize(GgmlType.Q4_0, four);
    assertThat(Arrays.copyOf(packed, 4)).containsExactly(0x00, 0xBC, 0x40, 0x8F);
  }

  @Test
  void shouldRoundBfloat16ToEven() {
    float[] values = {
      Float.intBitsToFloat(0x3F808000), Float.intBitsToFloat(0x3F818000), Float.NaN
    };
    float[] back = dequantize(GgmlType.BF16, quantize(GgmlType.BF16, values), 0, 3);
    assertThat(Float.floatToIntBits(back[0])).isEqualTo(0x3F800000);
    assertThat(Float.floatToIntBits(back[1])).isEqualTo(0x3F820000);
    assertThat(back[2]).isNaN();
  }

  @Test
  void shouldRefuseWhatIsNoWholeNumberOfBlocks() {
    MemorySegment src = MemorySegment.ofArray(new byte[1024]);
    float[] dst = new float[256];
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Dequantizer.dequantize(GgmlType.Q4_0, src, 16, dst, 0, 32));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Dequantizer.dequantize(GgmlType.Q4_K, src, 0, dst, 0, 32));
    assertThatThrownBy(() -> Dequantizer.dequantize(GgmlType.Q4_K, src, 256 * 8, dst, 0, 256))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> Dequantizer.dequantize(GgmlType.Q4_K, src, 0, dst, 1, 256))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void shouldRefuseToQuantizeWhatHasNoScale() {
    float[] values = new float[32];
    values[7] = Float.NaN;
    assertThatIllegalArgumentException().isThrownBy(() -> quantize(GgmlType.Q8_0, values));
    values[7] = 1e9f;
    assertThatIllegalArgumentException().isThrownBy(() -> quantize(GgmlType.Q4_0, values));
    assertThatIllegalArgumentException().isThrownBy(() -> quantize(GgmlType.Q2_K, new float[256]));
  }

  private static byte[] quantize(GgmlType type, float[] values) {
    byte[] raw = new byte[(int) type.bytesFor(values.length)];
    Quantizer.quantize(type, values, 0, values.length, MemorySegment.ofArray(raw));
    return raw;
  }

  private static float[] dequantize(GgmlType type, byte[] raw, long first, int count) {
    float[] values = new float[count];
    Dequantizer.dequantize(type, MemorySegment.ofArray(raw), first, values, 0, count);
    return values;
  }

  private static byte[] decode(JsonNode fixture, String field) {
    return Base64.getDecoder().decode(fixture.get(field).asText());
  }

  private static float[] floats(byte[] littleEndian) {
    float[] values = new float[littleEndian.length / Float.BYTES];
    ByteBuffer.wrap(littleEndian).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToIntBits(values[i]);
    }
    return bits;
  }

  private static byte[] randomBytes(long seed, int count) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static float[] randomFloats(long seed, int count, float scale) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian() * scale;
    }
    return values;
  }
}
