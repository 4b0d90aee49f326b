package dev.sluice.model.gguf;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Writes GGUF model files. Keys and tensors are gathered, in order, then written at once; nothing
 * is on disk before. A key given twice keeps its place and takes the later value. For one thread.
 *
 * <pre>{@code
 * new GgufWriter()
 *     .string("general.architecture", "llama")
 *     .uint32("llama.block_count", 2)
 *     .tensor("output.weight", GgmlType.Q8_0, values, columns, rows)
 *     .write(file);
 * }</pre>
 *
 * <p>Values that do not fit their type and shapes that do not fit their data are {@link
 * IllegalArgumentException}s when they are given.
 */
public final class GgufWriter {
  private static final int CHUNK_BYTES = 1 << 26;

  private final Map<String, byte[]> values = new LinkedHashMap<>();
  private final Map<String, Item> tensors = new LinkedHashMap<>();
  private int version = 3;
  private int alignment = GgufPart.DEFAULT_ALIGNMENT;

  /** A tensor of {@code bytes} bytes, which {@code data} gives when they are to be written. */
  private record Item(
      String name,
      GgmlType type,
      List<Long> dimensions,
      long bytes,
      Supplier<MemorySegment> data) {}

  /** A writer of version 3 with the default alignment of 32 bytes. */
  public GgufWriter() {}

  /** Version 2 or 3. */
  public GgufWriter version(int version) {
    if (version != 2 && version != 3) {
      throw new IllegalArgumentException("version " + version + " is neither 2 nor 3");
    }
    this.version = version;
    return this;
  }

  /** Aligns each tensor's data to a multiple of so many bytes, and says so in the metadata. */
  public GgufWriter alignment(int bytes) {
    if (bytes < 1 || bytes > GgufPart.MAX_ALIGNMENT) {
      throw new IllegalArgumentException("an alignment of " + bytes + " bytes is not possible");
    }
    this.alignment = bytes;
    return this;
  }

  /** Takes over all metadata of another file but its alignment and the keys of a split. */
  public GgufWriter metadata(GgufMetadata metadata) {
    for (String key : metadata.keys()) {
      if (!key.equals(GgufPart.ALIGNMENT_KEY) && !key.startsWith("split.")) {
        values.put(key, metadata.encoded(key));
      }
    }
    return this;
  }

  /** Leaves a key out that was given before. */
  public GgufWriter remove(String key) {
    values.remove(key);
    return this;
  }

  public GgufWriter string(String key, String value) {
    return put(key, new GgufEncoder().type(GgufValueType.STRING).string(value));
  }

  public GgufWriter uint32(String key, long value) {
    return integer(key, GgufValueType.UINT32, value);
  }

  public GgufWriter int32(String key, int value) {
    return integer(key, GgufValueType.INT32, value);
  }

  public GgufWriter float32(String key, float value) {
    return real(key, GgufValueType.FLOAT32, value);
  }

  public GgufWriter bool(String key, boolean value) {
    return put(key, new GgufEncoder().type(GgufValueType.BOOL).bool(value));
  }

  /** A value of any integer type, checked for range; unsigned 64-bit as the bits of the long. */
  public GgufWriter integer(String key, GgufValueType type, long value) {
    return put(key, new GgufEncoder().type(type).integer(type, value));
  }

  /** A value of either floating-point type. */
  public GgufWriter real(String key, GgufValueType type, double value) {
    return put(key, new GgufEncoder().type(type).real(type, value));
  }

  public GgufWriter strings(String key, List<String> values) {
    return byteStrings(key, values.stream().map(s -> s.getBytes(StandardCharsets.UTF_8)).toList());
  }

  public GgufWriter byteStrings(String key, List<byte[]> values) {
    GgufEncoder encoder = new GgufEncoder().array(GgufValueType.STRING, values.size());
    values.forEach(encoder::string);
    return put(key, encoder);
  }

  public GgufWriter int32s(String key, int... values) {
    GgufEncoder encoder = new GgufEncoder().array(GgufValueType.INT32, values.length);
    for (int value : values) {
      encoder.int32(value);
    }
    return put(key, encoder);
  }

  public GgufWriter float32s(String key, float... values) {
    GgufEncoder encoder = new GgufEncoder().array(GgufValueType.FLOAT32, values.length);
    for (float value : values) {
      encoder.real(GgufValueType.FLOAT32, value);
    }
    return put(key, encoder);
  }

  public GgufWriter bools(String key, boolean... values) {
    GgufEncoder encoder = new GgufEncoder().array(GgufValueType.BOOL, values.length);
    for (boolean value : values) {
      encoder.bool(value);
    }
    return put(key, encoder);
  }

  /** An array of any integer type, checked for range. */
  public GgufWriter integers(String key, GgufValueType type, long... values) {
    GgufEncoder encoder = new GgufEncoder().array(type, values.length);
    for (long value : values) {
      encoder.integer(type, value);
    }
    return put(key, encoder);
  }

  /** An array of either floating-point type. */
  public GgufWriter reals(String key, GgufValueType type, double... values) {
    GgufEncoder encoder = new GgufEncoder().array(type, values.length);
    for (double value : values) {
      encoder.real(type, value);
    }
    return put(key, encoder);
  }

  /**
   * A tensor from its bytes, which are read when the file is written.
   *
   * @param dimensions in GGML's order, {@code [0]} contiguous
   * @throws IllegalArgumentException if the bytes are not as many as the shape needs, or the name
   *     is taken
   */
  public GgufWriter tensor(String name, GgmlType type, MemorySegment data, long... dimensions) {
    return add(name, type, data.byteSize(), () -> data, dimensions);
  }

  /**
   * A tensor whose bytes are made when the file is written: tensors are asked for one after the
   * other, each once a file, so that one piece of memory may serve them all. What {@code data}
   * throws ends the writing.
   *
   * @param dimensions in GGML's order, {@code [0]} contiguous
   * @param data gives as many bytes as type and shape need
   * @throws IllegalArgumentException if the shape is none of the type's, or the name is taken
   */
  public GgufWriter tensor(
      String name, GgmlType type, Supplier<MemorySegment> data, long... dimensions) {
    return add(name, type, -1, data, dimensions);
  }

  /** Adds a tensor; {@code given} is how many bytes there are, or negative where that is open. */
  private GgufWriter add(
      String name, GgmlType type, long given, Supplier<MemorySegment> data, long[] dimensions) {
    if (dimensions.length < 1 || dimensions.length > TensorHeader.MAX_DIMENSIONS) {
      throw new IllegalArgumentException(name + " has " + dimensions.length + " dimensions");
    }
    long elements = 1;
    List<Long> shape = new ArrayList<>();
    for (long dimension : dimensions) {
      if (dimension < 1) {
        throw new IllegalArgumentException(name + " has a dimension of " + dimension);
      }
      elements = Math.multiplyExact(elements, dimension);
      shape.add(dimension);
    }
    long bytes = Math.multiplyExact(type.bytesFor(dimensions[0]), elements / dimensions[0]);
    if (given >= 0 && bytes != given) {
      throw new IllegalArgumentException(
          "%s needs %d bytes for %s %s, not %d".formatted(name, bytes, type, shape, given));
    }
    checkName(name);
    Item item = new Item(name, type, List.copyOf(shape), bytes, data);
    if (tensors.putIfAbsent(name, item) != null) {
      throw new IllegalArgumentException("there is already a tensor " + name);
    }
    return this;
  }

  /** As {@link #tensor(String, GgmlType, MemorySegment, long...)}. */
  public GgufWriter tensor(String name, GgmlType type, byte[] data, long... dimensions) {
    return tensor(name, type, MemorySegment.ofArray(data), dimensions);
  }

  /** A tensor from values, quantized to one of the types that {@link Quantizer} supports. */
  public GgufWriter tensor(String name, GgmlType type, float[] values, long... dimensions) {
    byte[] data = new byte[Math.toIntExact(type.bytesFor(values.length))];
    Quantizer.quantize(type, values, 0, values.length, MemorySegment.ofArray(data));
    return tensor(name, type, data, dimensions);
  }

  /** An F32 tensor. */
  public GgufWriter tensor(String name, float[] values, long... dimensions) {
    return tensor(name, GgmlType.F32, values, dimensions);
  }

  /**
   * Writes one file, replacing one that is there, whole or not at all.
   *
   * @throws ModelFileException if it cannot be written
   */
  public void write(Path file) {
    write(file, values, List.copyOf(tensors.values()));
  }

  /**
   * Writes the bytes of one file to a channel, which the caller opened and closes; for those who
   * must hash them or force them to the disk. The channel blocks, or takes all it is given.
   *
   * @throws IOException as the channel does; it then holds a part of the file
   */
  public void write(WritableByteChannel channel) throws IOException {
    write(channel, values, List.copyOf(tensors.values()));
  }

  /**
   * Writes {@code parts} files {@code PREFIX-00001-of-0000N.gguf} into a folder, with about equally
   * many tensors each; the first holds all the metadata.
   *
   * @return the files, in order
   * @throws ModelFileException if they cannot be written
   */
  public List<Path> writeSplit(Path folder, String prefix, int parts) {
    if (parts < 1 || parts > GgufSplit.MAX_PARTS) {
      throw new IllegalArgumentException("a split in " + parts + " parts is not possible");
    }
    List<Item> items = List.copyOf(tensors.values());
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      GgufWriter split =
          new GgufWriter()
              .integer(GgufSplit.NUMBER_KEY, GgufValueType.UINT16, i)
              .integer(GgufSplit.COUNT_KEY, GgufValueType.UINT16, parts)
              .int32(GgufSplit.TENSORS_KEY, items.size());
      Map<String, byte[]> partValues = new LinkedHashMap<>(i == 0 ? values : Map.of());
      partValues.putAll(split.values);
      int first = (int) ((long) items.size() * i / parts);
      int end = (int) ((long) items.size() * (i + 1) / parts);
      Path file = folder.resolve(GgufSplit.fileName(prefix, i, parts));
      write(file, partValues, items.subList(first, end));
      files.add(file);
    }
    return files;
  }

  private GgufWriter put(String key, GgufEncoder value) {
    checkName(key);
    if (key.equals(GgufPart.ALIGNMENT_KEY)) {
      throw new IllegalArgumentException("alignment(…) writes the key " + key);
    }
    values.put(key, value.toBytes());
    return this;
  }

  private static void checkName(String name) {
    int length = name.getBytes(StandardCharsets.UTF_8).length;
    if (length < 1 || length > GgufReader.MAX_NAME_BYTES) {
      throw new IllegalArgumentException("a name of " + length + " bytes is not possible");
    }
  }

  private void write(Path file, Map<String, byte[]> partValues, List<Item> items) {
    Path name = file.getFileName();
    Path part = file.resolveSibling("." + name + ".part");
    part.toFile().deleteOnExit(); // for a process that is told to end in the middle
    try {
      try (FileChannel channel =
          FileChannel.open(
              part,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        write(channel, partValues, items);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new ModelFileException(file, "cannot be written: " + GgufPart.reason(e), e);
    } finally {
      boolean _ = part.toFile().delete(); // it is there only after a failure
    }
  }

  private void write(WritableByteChannel channel, Map<String, byte[]> partValues, List<Item> items)
      throws IOException {
    writeFully(channel, ByteBuffer.wrap(header(partValues, items)));
    for (Item item : items) { // the header ends aligned, so a tensor's padding hangs on its size
      MemorySegment data = item.data().get();
      if (data.byteSize() != item.bytes()) {
        throw new IllegalStateException(
            "%s got %d bytes, not %d".formatted(item.name(), data.byteSize(), item.bytes()));
      }
      writeFully(channel, data);
      writeFully(channel, ByteBuffer.allocate(padding(item.bytes())));
    }
  }

  private byte[] header(Map<String, byte[]> partValues, List<Item> items) {
    boolean statesAlignment = alignment != GgufPart.DEFAULT_ALIGNMENT;
    GgufEncoder header = new GgufEncoder();
    header.bytes("GGUF".getBytes(StandardCharsets.US_ASCII)).int32(version);
    header.int64(items.size()).int64(partValues.size() + (statesAlignment ? 1 : 0));
    partValues.forEach((key, value) -> header.string(key).bytes(value));
    if (statesAlignment) {
      header.string(GgufPart.ALIGNMENT_KEY);
      header.type(GgufValueType.UINT32).integer(GgufValueType.UINT32, alignment);
    }
    long offset = 0;
    for (Item item : items) {
      header.string(item.name()).int32(item.dimensions().size());
      item.dimensions().forEach(header::int64);
      header.int32(item.type().id()).int64(offset);
      offset += Math.ceilDiv(item.bytes(), alignment) * alignment;
    }
    return header.bytes(new byte[padding(header.size())]).toBytes();
  }

  private int padding(long position) {
    return Math.toIntExact(Math.ceilDiv(position, alignment) * alignment - position);
  }

  private static void writeFully(WritableByteChannel channel, MemorySegment data)
      throws IOException {
    for (long at = 0; at < data.byteSize(); at += CHUNK_BYTES) {
      long length = Math.min(CHUNK_BYTES, data.byteSize() - at);
      writeFully(channel, data.asSlice(at, length).asByteBuffer());
    }
  }

  private static void writeFully(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      int _ = channel.write(bytes);
    }
  }
}
