package dev.sluice.model.gguf;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes GGUF model files. Keys and tensors are gathered, in order, then written at once; nothing
 * is on disk before. For one thread.
 *
 * <pre>{@code
 * new GgufWriter()
 *     .string("general.architecture", "llama")
 *     .uint32("llama.block_count", 2)
 *     .tensor("output.weight", GgmlType.Q8_0, values, columns, rows)
 *     .write(file);
 * }</pre>
 */
@SuppressWarnings("DoNotCallSuggester") // signatures first
public final class GgufWriter {

  /** A writer of version 3 with the default alignment of 32 bytes. */
  public GgufWriter() {}

  /** Version 2 or 3. */
  public GgufWriter version(int version) {
    throw new UnsupportedOperationException("" + version);
  }

  /** Aligns each tensor's data to a multiple of so many bytes, and says so in the metadata. */
  public GgufWriter alignment(int bytes) {
    throw new UnsupportedOperationException("" + bytes);
  }

  /**
   * Takes over all metadata of another file but its split keys and alignment; later values replace
   * it.
   */
  public GgufWriter metadata(GgufMetadata metadata) {
    throw new UnsupportedOperationException("" + metadata.file());
  }

  /** Leaves a key out that was given before. */
  public GgufWriter remove(String key) {
    throw new UnsupportedOperationException(key);
  }

  public GgufWriter string(String key, String value) {
    throw new UnsupportedOperationException(key + value);
  }

  public GgufWriter uint32(String key, long value) {
    throw new UnsupportedOperationException(key + value);
  }

  public GgufWriter int32(String key, int value) {
    throw new UnsupportedOperationException(key + value);
  }

  public GgufWriter float32(String key, float value) {
    throw new UnsupportedOperationException(key + value);
  }

  public GgufWriter bool(String key, boolean value) {
    throw new UnsupportedOperationException(key + value);
  }

  /** A value of any integer type, checked for range; unsigned 64-bit as the bits of the long. */
  public GgufWriter integer(String key, GgufValueType type, long value) {
    throw new UnsupportedOperationException(key + type + value);
  }

  /** A value of either floating-point type. */
  public GgufWriter real(String key, GgufValueType type, double value) {
    throw new UnsupportedOperationException(key + type + value);
  }

  public GgufWriter strings(String key, List<String> values) {
    throw new UnsupportedOperationException(key + values);
  }

  public GgufWriter byteStrings(String key, List<byte[]> values) {
    throw new UnsupportedOperationException(key + values);
  }

  public GgufWriter int32s(String key, int... values) {
    throw new UnsupportedOperationException(key + values.length);
  }

  public GgufWriter float32s(String key, float... values) {
    throw new UnsupportedOperationException(key + values.length);
  }

  public GgufWriter bools(String key, boolean... values) {
    throw new UnsupportedOperationException(key + values.length);
  }

  /** An array of any integer type, checked for range. */
  public GgufWriter integers(String key, GgufValueType type, long... values) {
    throw new UnsupportedOperationException(key + type + values.length);
  }

  /** An array of either floating-point type. */
  public GgufWriter reals(String key, GgufValueType type, double... values) {
    throw new UnsupportedOperationException(key + type + values.length);
  }

  /**
   * A tensor from its bytes, which are read when the file is written.
   *
   * @param dimensions in GGML's order, {@code [0]} contiguous
   * @throws IllegalArgumentException if the bytes are not as many as the shape needs
   */
  public GgufWriter tensor(String name, GgmlType type, MemorySegment data, long... dimensions) {
    throw new UnsupportedOperationException(name + type + data + dimensions.length);
  }

  /** As {@link #tensor(String, GgmlType, MemorySegment, long...)}. */
  public GgufWriter tensor(String name, GgmlType type, byte[] data, long... dimensions) {
    throw new UnsupportedOperationException(name + type + data.length + dimensions.length);
  }

  /** A tensor from values, quantized by {@link Quantizer}: F32, F16, BF16, Q8_0 or Q4_0. */
  public GgufWriter tensor(String name, GgmlType type, float[] values, long... dimensions) {
    throw new UnsupportedOperationException(name + type + values.length + dimensions.length);
  }

  /** An F32 tensor. */
  public GgufWriter tensor(String name, float[] values, long... dimensions) {
    return tensor(name, GgmlType.F32, values, dimensions);
  }

  /** Writes one file, replacing one that is there, whole or not at all. */
  public void write(Path file) {
    throw new UnsupportedOperationException("" + file);
  }

  /**
   * Writes {@code parts} files {@code PREFIX-00001-of-0000N.gguf} into a folder, with about equally
   * many tensors each; the first holds all the metadata.
   *
   * @return the files, in order
   */
  public List<Path> writeSplit(Path folder, String prefix, int parts) {
    throw new UnsupportedOperationException(folder + prefix + parts);
  }
}
