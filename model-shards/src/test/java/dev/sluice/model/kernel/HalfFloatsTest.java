package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class HalfFloatsTest {
  private static final int ALL = 1 << 16;

  @Test
  void shouldWidenEveryHalfExactly() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment halves = arena.allocate(2 * ALL);
      MemorySegment floats = arena.allocate(4 * ALL);
      MemorySegment back = arena.allocate(2 * ALL);
      for (int i = 0; i < ALL; i++) {
        halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
      }
      HalfFloats.widen(halves.address(), floats.address(), ALL);
      HalfFloats.store(floats.address(), back.address(), ALL, true);
      for (int i = 0; i < ALL; i++) {
        float expected = Float.float16ToFloat((short) i);
        float actual = floats.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        assertThat(Float.floatToIntBits(actual)).isEqualTo(Float.floatToIntBits(expected));
        if (!Float.isNaN(expected)) {
          assertThat(back.getAtIndex(ValueLayout.JAVA_SHORT, i)).isEqualTo((short) i);
        }
      }
    }
  }

  @Test
  void shouldWidenEveryBrainFloatExactly() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment halves = arena.allocate(2 * ALL);
      MemorySegment floats = arena.allocate(4 * ALL);
      for (int i = 0; i < ALL; i++) {
        halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
      }
      HalfFloats.widenBrain(halves.address(), floats.address(), ALL);
      for (int i = 0; i < ALL; i++) {
        assertThat(floats.getAtIndex(ValueLayout.JAVA_INT, i)).isEqualTo(i << 16);
      }
    }
  }
}
