package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.ALL;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector shape in use, and the fixed tree that ends every sum.
 *
 * <p>A machine whose vectors hold fewer than {@value #VIRTUAL} floats makes the virtual lanes from
 * several vectors; one with wider vectors uses 512 bits.
 */
final class Lanes {
  /** Lanes of every sum, whatever the machine. */
  static final int VIRTUAL = 16;

  static final int VIRTUAL_BYTES = VIRTUAL * Float.BYTES;

  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  static final VectorSpecies<Float> F =
      FloatVector.SPECIES_PREFERRED.length() > VIRTUAL
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_PREFERRED;

  /** Floats of one vector. */
  static final int LENGTH = F.length();

  private static final VectorSpecies<Float> F4 = FloatVector.SPECIES_128;

  private Lanes() {}

  /** The sum of 16 lanes that lie at an address: 8 apart, then 4, 2 and 1. */
  static float tree(long lanes) {
    FloatVector a = FloatVector.fromMemorySegment(F4, ALL, lanes, ORDER);
    FloatVector b = FloatVector.fromMemorySegment(F4, ALL, lanes + 16, ORDER);
    FloatVector c = FloatVector.fromMemorySegment(F4, ALL, lanes + 32, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(F4, ALL, lanes + 48, ORDER);
    a.add(c).add(b.add(d)).intoMemorySegment(ALL, lanes, ORDER);
    float even = NativeMemory.getFloat(lanes) + NativeMemory.getFloat(lanes + 8);
    float odd = NativeMemory.getFloat(lanes + 4) + NativeMemory.getFloat(lanes + 12);
    return even + odd;
  }
}
