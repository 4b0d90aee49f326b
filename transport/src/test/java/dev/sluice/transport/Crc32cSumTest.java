package dev.sluice.transport;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class Crc32cSumTest {
  private final Crc32cSum sum = new Crc32cSum();

  @Test
  void shouldGiveTheCheckValueOfTheStandard() {
    UnsafeBuffer buffer = new UnsafeBuffer("123456789".getBytes(US_ASCII));
    assertThat(sum.begin().add(buffer, 0, 9).value()).isEqualTo(0xe3069283);
    assertThat(sum.begin().value()).isZero();
  }

  @Test
  void shouldGiveTheSameForEveryKindOfBuffer() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try (Arena arena = Arena.ofConfined()) {
      for (int i = 0; i < 200; i++) {
        byte[] bytes = new byte[1 + random.nextInt(5_000)];
        random.nextBytes(bytes);
        int from = random.nextInt(bytes.length);
        int length = random.nextInt(bytes.length - from + 1);
        CRC32C oracle = new CRC32C();
        oracle.update(bytes, from, length);
        MemorySegment segment = arena.allocate(bytes.length);
        segment.copyFrom(MemorySegment.ofArray(bytes));
        UnsafeBuffer raw = new UnsafeBuffer(segment.address(), bytes.length);
        byte[] shifted = new byte[bytes.length + 5];
        System.arraycopy(bytes, 0, shifted, 5, bytes.length);
        for (UnsafeBuffer buffer :
            new UnsafeBuffer[] {
              raw,
              new UnsafeBuffer(segment.asByteBuffer()),
              new UnsafeBuffer(shifted, 5, bytes.length),
              new UnsafeBuffer(Links.direct(shifted), 5, bytes.length)
            }) {
          int split = random.nextInt(length + 1);
          assertThat(
                  sum.begin()
                      .add(buffer, from, split)
                      .add(buffer, from + split, length - split)
                      .value())
              .describedAs("seed %d, round %d", seed, i)
              .isEqualTo((int) oracle.getValue());
        }
      }
    }
  }

  @Test
  void shouldStayWithinTheBuffer() {
    UnsafeBuffer buffer = new UnsafeBuffer(Links.direct(new byte[10]), 0, 10);
    assertThatThrownBy(() -> sum.begin().add(buffer, 5, 6))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
