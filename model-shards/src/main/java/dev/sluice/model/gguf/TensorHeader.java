package dev.sluice.model.gguf;

/** What a file's header says of one tensor. */
final class TensorHeader {
  /** The format's limit. */
  static final int MAX_DIMENSIONS = 4;

  /** The shortest header: name of one byte, one dimension, type, offset. */
  static final int LEAST_BYTES = 8 + 1 + 4 + 8 + 4 + 8;

  private final String name;
  private final GgmlType type;
  private final long[] dimensions;
  private final long bytes;
  private final long offset;
  private final long at;

  private TensorHeader(
      String name, GgmlType type, long[] dimensions, long bytes, long offset, long at) {
    this.name = name;
    this.type = type;
    this.dimensions = dimensions;
    this.bytes = bytes;
    this.offset = offset;
    this.at = at;
  }

  /** Reads the header of tensor {@code index}, checking all that can be checked in it alone. */
  static TensorHeader read(GgufReader reader, int index) {
    long at = reader.position();
    reader.reading("tensor", index);
    String name = reader.readName();
    reader.reading("tensor", name);
    long[] dimensions = readDimensions(reader);
    GgmlType type = readType(reader);
    if (dimensions[0] % type.blockSize() != 0) {
      throw reader.error(
          at,
          "%s has rows of %d elements, no whole number of %s blocks of %d"
              .formatted(reader.subject(), dimensions[0], type, type.blockSize()));
    }
    long elements = 1;
    for (long dimension : dimensions) {
      elements *= dimension;
    }
    long blocks = elements / type.blockSize();
    if (blocks > Long.MAX_VALUE / type.blockBytes()) {
      throw reader.error(at, reader.subject() + " takes more than 2^63 bytes, which is absurd");
    }
    long offset = reader.readLong("the offset");
    return new TensorHeader(name, type, dimensions, type.bytesFor(elements), offset, at);
  }

  private static long[] readDimensions(GgufReader reader) {
    long at = reader.position();
    int rank = reader.readInt("the number of dimensions");
    if (rank < 1 || rank > MAX_DIMENSIONS) {
      throw reader.error(
          at,
          "%s has %s dimensions; 1 to %d are supported"
              .formatted(reader.subject(), Integer.toUnsignedString(rank), MAX_DIMENSIONS));
    }
    long[] dimensions = new long[rank];
    long elements = 1;
    for (int d = 0; d < rank; d++) {
      long dimensionAt = reader.position();
      long dimension = reader.readLong("a dimension");
      if (dimension <= 0 || dimension > Long.MAX_VALUE / elements) {
        throw reader.error(
            dimensionAt,
            "dimension %d of %s is %s, which is absurd"
                .formatted(d, reader.subject(), Long.toUnsignedString(dimension)));
      }
      dimensions[d] = dimension;
      elements *= dimension;
    }
    return dimensions;
  }

  private static GgmlType readType(GgufReader reader) {
    long at = reader.position();
    int id = reader.readInt("the type");
    return GgmlType.ofId(id)
        .orElseThrow(
            () ->
                reader.error(
                    at,
                    "%s is of GGML type %s, which is not supported"
                        .formatted(reader.subject(), UnsupportedTypes.name(id))));
  }

  String name() {
    return name;
  }

  GgmlType type() {
    return type;
  }

  /** Not a copy: a {@link GgufTensor} takes it over. */
  long[] dimensions() {
    return dimensions;
  }

  /** Bytes of the tensor's data. */
  long bytes() {
    return bytes;
  }

  /** Where the data starts, from the start of all data. As yet unchecked. */
  long offset() {
    return offset;
  }

  /** Where this header stands in the file. */
  long at() {
    return at;
  }
}
