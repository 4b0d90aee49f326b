package dev.sluice.model.gguf;

import static dev.sluice.model.gguf.GgufReader.quoted;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The metadata of a model file: typed values by key, decoded when asked for.
 *
 * <p>Every getter without {@code find} throws {@link ModelFileException}, naming file and key,
 * where the key is missing; every getter does where the value is of another type. Numbers widen:
 * {@code integer} takes any integer type, {@code real} any number. Arrays are decoded anew on every
 * call: keep what you get. For any thread, while the {@link GgufFile} is open.
 */
public final class GgufMetadata {
  private final Path file;
  private final MemorySegment bytes;
  private final Map<String, GgufValue> values;

  GgufMetadata(Path file, MemorySegment bytes, Map<String, GgufValue> values) {
    this.file = file;
    this.bytes = bytes;
    this.values = Collections.unmodifiableMap(values);
  }

  /** The file that these values come from, for messages. */
  public Path file() {
    return file;
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** All keys, in the order of the file. */
  public Set<String> keys() {
    return values.keySet();
  }

  /** The type of a value: {@link GgufValueType#ARRAY} for arrays. */
  public GgufValueType type(String key) {
    return value(key).type();
  }

  /** Whether the key is there and holds an array. */
  public boolean isArray(String key) {
    GgufValue value = values.get(key);
    return value != null && value.type() == GgufValueType.ARRAY;
  }

  /** The type of an array's elements. */
  public GgufValueType elementType(String key) {
    return array(key, "an array").elementType();
  }

  /** The number of elements of an array, without decoding it. */
  public int length(String key) {
    return array(key, "an array").count();
  }

  public String string(String key) {
    GgufValue value = value(key);
    if (value.type() != GgufValueType.STRING) {
      throw wrongType(key, value, "a string");
    }
    return new String(stringAt(value.start()), StandardCharsets.UTF_8);
  }

  public Optional<String> findString(String key) {
    return find(key, this::string);
  }

  /** Any integer type. An unsigned 64-bit value beyond {@link Long#MAX_VALUE} is refused. */
  public long integer(String key) {
    GgufValue value = value(key);
    if (!value.type().isInteger()) {
      throw wrongType(key, value, "an integer");
    }
    return integerAt(key, value.type(), value.start());
  }

  public OptionalLong findInteger(String key) {
    return has(key) ? OptionalLong.of(integer(key)) : OptionalLong.empty();
  }

  /** Any number type. */
  public double real(String key) {
    GgufValue value = value(key);
    if (!value.type().isReal() && !value.type().isInteger()) {
      throw wrongType(key, value, "a number");
    }
    return realAt(key, value.type(), value.start());
  }

  public OptionalDouble findReal(String key) {
    return has(key) ? OptionalDouble.of(real(key)) : OptionalDouble.empty();
  }

  /** The value, or {@code otherwise} where the key is missing. */
  public boolean bool(String key, boolean otherwise) {
    GgufValue value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    if (value.type() != GgufValueType.BOOL) {
      throw wrongType(key, value, "true or false");
    }
    return boolAt(key, value.start());
  }

  /** An array of strings; bytes that are not UTF-8 become U+FFFD: see {@link #byteStrings}. */
  public List<String> strings(String key) {
    return Stream.of(byteStrings(key)).map(s -> new String(s, StandardCharsets.UTF_8)).toList();
  }

  public Optional<List<String>> findStrings(String key) {
    return find(key, this::strings);
  }

  /** An array of strings, as bytes: tokens need not be valid UTF-8. */
  public byte[][] byteStrings(String key) {
    GgufValue value = array(key, "an array of strings");
    if (value.elementType() != GgufValueType.STRING) {
      throw wrongType(key, value, "an array of strings");
    }
    byte[][] strings = new byte[value.count()][];
    long at = value.start();
    for (int i = 0; i < strings.length; i++) {
      strings[i] = stringAt(at);
      at += Long.BYTES + strings[i].length;
    }
    return strings;
  }

  /** An array of any integer type; a value that does not fit an int is refused. */
  public int[] integers(String key) {
    GgufValue value = array(key, "an array of integers");
    GgufValueType type = value.elementType();
    if (!type.isInteger()) {
      throw wrongType(key, value, "an array of integers");
    }
    int[] integers = new int[value.count()];
    for (int i = 0; i < integers.length; i++) {
      long at = value.start() + (long) i * type.bytes();
      long integer = integerAt(key, type, at);
      if (integer != (int) integer) {
        throw new ModelFileException(
            file, at, "element %d of key %s is %d, too large".formatted(i, quoted(key), integer));
      }
      integers[i] = (int) integer;
    }
    return integers;
  }

  public Optional<int[]> findIntegers(String key) {
    return find(key, this::integers);
  }

  /** An array of any number type. */
  public float[] reals(String key) {
    GgufValue value = array(key, "an array of numbers");
    GgufValueType type = value.elementType();
    if (!type.isReal() && !type.isInteger()) {
      throw wrongType(key, value, "an array of numbers");
    }
    float[] reals = new float[value.count()];
    for (int i = 0; i < reals.length; i++) {
      reals[i] = (float) realAt(key, type, value.start() + (long) i * type.bytes());
    }
    return reals;
  }

  public Optional<float[]> findReals(String key) {
    return find(key, this::reals);
  }

  /** An array of booleans. */
  public boolean[] bools(String key) {
    GgufValue value = array(key, "an array of booleans");
    if (value.elementType() != GgufValueType.BOOL) {
      throw wrongType(key, value, "an array of booleans");
    }
    boolean[] bools = new boolean[value.count()];
    for (int i = 0; i < bools.length; i++) {
      bools[i] = boolAt(key, value.start() + i);
    }
    return bools;
  }

  public Optional<boolean[]> findBools(String key) {
    return find(key, this::bools);
  }

  /** The value of a key as it stands in the file, type number first, for copying. */
  byte[] encoded(String key) {
    GgufValue value = value(key);
    boolean isArray = value.type() == GgufValueType.ARRAY;
    long start = value.start() - (isArray ? 2 * Integer.BYTES + Long.BYTES : Integer.BYTES);
    return bytes.asSlice(start, value.end() - start).toArray(ValueLayout.JAVA_BYTE);
  }

  /** Where the value of a key lies in the file, for messages. */
  long offset(String key) {
    return value(key).start();
  }

  private <T> Optional<T> find(String key, Function<String, T> getter) {
    return has(key) ? Optional.of(getter.apply(key)) : Optional.empty();
  }

  private GgufValue value(String key) {
    @Nullable GgufValue value = values.get(key);
    if (value == null) {
      throw new ModelFileException(file, "key " + quoted(key) + " is missing");
    }
    return value;
  }

  private GgufValue array(String key, String needed) {
    GgufValue value = value(key);
    if (value.type() != GgufValueType.ARRAY) {
      throw wrongType(key, value, needed);
    }
    return value;
  }

  private byte[] stringAt(long at) {
    long length = bytes.get(GgufReader.LONG, at);
    if (length < 0
        || length > bytes.byteSize() - at - Long.BYTES
        || length > GgufReader.MAX_STRING_BYTES) {
      throw new ModelFileException(file, at, "the file was changed while it was open");
    }
    byte[] string = new byte[(int) length];
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at + Long.BYTES, string, 0, string.length);
    return string;
  }

  private long integerAt(String key, GgufValueType type, long at) {
    return switch (type) {
      case UINT8 -> Byte.toUnsignedLong(bytes.get(ValueLayout.JAVA_BYTE, at));
      case INT8 -> bytes.get(ValueLayout.JAVA_BYTE, at);
      case UINT16 -> Short.toUnsignedLong(bytes.get(GgufReader.SHORT, at));
      case INT16 -> bytes.get(GgufReader.SHORT, at);
      case UINT32 -> Integer.toUnsignedLong(bytes.get(GgufReader.INT, at));
      case INT32 -> bytes.get(GgufReader.INT, at);
      case INT64 -> bytes.get(GgufReader.LONG, at);
      case UINT64 -> {
        long value = bytes.get(GgufReader.LONG, at);
        if (value < 0) {
          throw new ModelFileException(
              file,
              at,
              "key %s is %s, too large".formatted(quoted(key), Long.toUnsignedString(value)));
        }
        yield value;
      }
      case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> throw new AssertionError(type);
    };
  }

  private double realAt(String key, GgufValueType type, long at) {
    return switch (type) {
      case FLOAT32 -> bytes.get(GgufReader.FLOAT, at);
      case FLOAT64 -> bytes.get(GgufReader.DOUBLE, at);
      default -> integerAt(key, type, at);
    };
  }

  private boolean boolAt(String key, long at) {
    byte value = bytes.get(ValueLayout.JAVA_BYTE, at);
    if (value != 0 && value != 1) {
      throw new ModelFileException(
          file, at, "key %s holds a BOOL of value %d".formatted(quoted(key), value));
    }
    return value == 1;
  }

  private ModelFileException wrongType(String key, GgufValue value, String needed) {
    String type =
        value.type() == GgufValueType.ARRAY
            ? "ARRAY of " + value.elementType()
            : value.type().toString();
    return new ModelFileException(
        file,
        value.start(),
        "key %s is of type %s, where %s is needed".formatted(quoted(key), type, needed));
  }
}
