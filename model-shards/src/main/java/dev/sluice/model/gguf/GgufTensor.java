package dev.sluice.model.gguf;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * One tensor of a model file. Immutable, for any thread; its data is valid until the {@link
 * GgufFile} it came from is closed.
 */
public final class GgufTensor {
  private final String name;
  private final GgmlType type;
  private final long[] dimensions;
  private final MemorySegment data;
  private final Path file;
  private final long offset;
  private final Presence presence;

  GgufTensor(
      String name,
      GgmlType type,
      long[] dimensions,
      MemorySegment data,
      Path file,
      long offset,
      Presence presence) {
    this.name = name;
    this.type = type;
    this.dimensions = dimensions;
    this.data = data;
    this.file = file;
    this.offset = offset;
    this.presence = presence;
  }

  public String name() {
    return name;
  }

  public GgmlType type() {
    return type;
  }

  /** The dimensions in GGML's order: {@code [0]} is contiguous. One to four, all positive. */
  public long[] dimensions() {
    return dimensions.clone();
  }

  /** Elements of a row: {@code dimensions()[0]}. A multiple of the type's block size. */
  public long columns() {
    return dimensions[0];
  }

  /** The product of all dimensions but the first. */
  public long rows() {
    long rows = 1;
    for (int i = 1; i < dimensions.length; i++) {
      rows *= dimensions[i];
    }
    return rows;
  }

  /** All elements. */
  public long elements() {
    return columns() * rows();
  }

  /**
   * The mapped bytes, read-only, exactly {@code type().bytesFor(elements())} long. The file's
   * alignment may be smaller than the element's: read with the unaligned layouts.
   *
   * @throws MissingBytesException where this part of the model was not fetched
   */
  public MemorySegment data() {
    if (!presence.has(file, offset, data.byteSize())) {
      throw new MissingBytesException(file, "tensor " + GgufReader.quoted(name), offset);
    }
    return data;
  }

  /** The length of {@link #data} in bytes, also where the data is not there. */
  public long bytes() {
    return data.byteSize();
  }

  /** The file that holds the data; of a split model, the part. */
  public Path file() {
    return file;
  }

  /** Where in {@link #file} the data starts, in bytes. */
  public long offset() {
    return offset;
  }

  @Override
  public String toString() {
    return name + " " + type + " " + Arrays.toString(dimensions);
  }
}
