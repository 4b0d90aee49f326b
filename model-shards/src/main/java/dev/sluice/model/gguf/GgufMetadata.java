package dev.sluice.model.gguf;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The metadata of a model file: typed values by key, decoded when asked for.
 *
 * <p>Every getter without {@code find} throws {@link ModelFileException}, naming file and key,
 * where the key is missing; every getter does where the value is of another type. Numbers widen:
 * {@code integer} takes any integer type, {@code real} any number. Arrays are decoded anew on every
 * call: keep what you get. For any thread, while the {@link GgufFile} is open.
 */
@SuppressWarnings("DoNotCallSuggester") // signatures first
public final class GgufMetadata {

  GgufMetadata() {}

  /** The file that these values come from, for messages. */
  public Path file() {
    throw new UnsupportedOperationException();
  }

  public boolean has(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** All keys, in the order of the file. */
  public Set<String> keys() {
    throw new UnsupportedOperationException();
  }

  /** The type of a value: {@link GgufValueType#ARRAY} for arrays. */
  public GgufValueType type(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** Whether the key is there and holds an array. */
  public boolean isArray(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** The number of elements of an array, without decoding it. */
  public int length(String key) {
    throw new UnsupportedOperationException(key);
  }

  public String string(String key) {
    throw new UnsupportedOperationException(key);
  }

  public Optional<String> findString(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** Any integer type. An unsigned 64-bit value beyond {@link Long#MAX_VALUE} is refused. */
  public long integer(String key) {
    throw new UnsupportedOperationException(key);
  }

  public OptionalLong findInteger(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** Any number type. */
  public double real(String key) {
    throw new UnsupportedOperationException(key);
  }

  public OptionalDouble findReal(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** The value, or {@code otherwise} where the key is missing. */
  public boolean bool(String key, boolean otherwise) {
    throw new UnsupportedOperationException(key + otherwise);
  }

  /** An array of strings; bytes that are not UTF-8 become U+FFFD: see {@link #byteStrings}. */
  public List<String> strings(String key) {
    throw new UnsupportedOperationException(key);
  }

  public Optional<List<String>> findStrings(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** An array of strings, as bytes: tokens need not be valid UTF-8. */
  public byte[][] byteStrings(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** An array of any integer type; a value that does not fit an int is refused. */
  public int[] integers(String key) {
    throw new UnsupportedOperationException(key);
  }

  public Optional<int[]> findIntegers(String key) {
    throw new UnsupportedOperationException(key);
  }

  /** An array of any number type. */
  public float[] reals(String key) {
    throw new UnsupportedOperationException(key);
  }

  public Optional<float[]> findReals(String key) {
    throw new UnsupportedOperationException(key);
  }

  public boolean[] bools(String key) {
    throw new UnsupportedOperationException(key);
  }

  public Optional<boolean[]> findBools(String key) {
    throw new UnsupportedOperationException(key);
  }
}
