package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.INT;
import static dev.sluice.model.kernel.NativeMemory.SHORT;
import static dev.sluice.model.kernel.NativeMemory.getInt;

import dev.sluice.model.gguf.GgmlType;
import org.jspecify.annotations.Nullable;

/**
 * How {@link PackedMatrix} lays out a block: {@value #COLUMNS} columns of 16 rows. The quants are
 * unsigned; group {@code g} holds columns {@code 4g} to {@code 4g + 3}, four bytes a row, so that a
 * vector has one row in each 32-bit lane. Then come 16 half-precision scales.
 */
enum PackedFormat {
  /** Q8_0: eight groups of bytes. */
  BYTES(GgmlType.Q8_0, 8, 128, 0x80808080),

  /** Q4_0: four groups of bytes; group {@code g + 4} is in the upper halves of group {@code g}. */
  NIBBLES(GgmlType.Q4_0, 4, 8, 0);

  /** Columns of a block. */
  static final int COLUMNS = 32;

  /** Bytes of a group. */
  static final int GROUP_BYTES = 4 * PackedMatrix.PANEL_ROWS;

  private static final int SCALE_BYTES = Short.BYTES * PackedMatrix.PANEL_ROWS;

  private final GgmlType type;
  private final int groups;
  private final int zeroPoint;
  private final int flips;

  PackedFormat(GgmlType type, int groups, int zeroPoint, int flips) {
    this.type = type;
    this.groups = groups;
    this.zeroPoint = zeroPoint;
    this.flips = flips;
  }

  /** The format for weights of a type; null where there is none. */
  static @Nullable PackedFormat of(GgmlType type) {
    for (PackedFormat format : values()) {
      if (format.type == type) {
        return format;
      }
    }
    return null;
  }

  /** What a quant of zero is stored as. */
  int zeroPoint() {
    return zeroPoint;
  }

  /** Bytes of a block before its scales. */
  int quantBytes() {
    return groups * GROUP_BYTES;
  }

  /** Bytes of a block of 16 rows. */
  int blockBytes() {
    return quantBytes() + SCALE_BYTES;
  }

  /** Copies a row's blocks, in the file's layout at {@code source}, to its place in a panel. */
  void pack(long source, int blocks, long panel, int row) {
    for (int b = 0; b < blocks; b++) {
      long from = source + (long) b * type.blockBytes();
      long to = panel + (long) b * blockBytes();
      for (int g = 0; g < groups; g++) {
        int four = getInt(from + Short.BYTES + 4L * g) ^ flips;
        ALL.set(INT, to + (long) g * GROUP_BYTES + 4L * row, four);
      }
      ALL.set(SHORT, to + quantBytes() + 2L * row, ALL.get(SHORT, from));
    }
  }
}
