package dev.sluice.model.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A cursor over the header of a mapped file. It believes no length: whatever would lie beyond the
 * file is a {@link ModelFileException} that says what was being read and where.
 */
final class GgufReader {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The specification's limit on keys, used for tensor names too. */
  static final int MAX_NAME_BYTES = 65_535;

  /** One string value: chat templates and whole tokenizer.json files stay far below. */
  static final int MAX_STRING_BYTES = 1 << 28;

  /** Elements of one array: more than a hundred times the largest vocabularies. */
  static final int MAX_ARRAY_ELEMENTS = 1 << 26;

  /** Arrays in arrays; the specification allows them, no known key uses them. */
  static final int MAX_ARRAY_DEPTH = 4;

  private static final int MAX_QUOTED_CHARACTERS = 100;

  private final Path file;
  private final MemorySegment bytes;
  private final long size;
  private final long known;
  private long position;
  private String subjectKind = "";
  private @Nullable String subjectName;
  private int subjectIndex;

  /** {@code known} is how many of the bytes are there, from the first on without a gap. */
  GgufReader(Path file, MemorySegment bytes, long known) {
    this.file = file;
    this.bytes = bytes;
    this.size = bytes.byteSize();
    this.known = Math.min(known, size);
  }

  long position() {
    return position;
  }

  long remaining() {
    return size - position;
  }

  /** Says what is being read, for messages, which are put together only when one is needed. */
  void reading(String kind, String name) {
    subjectKind = kind;
    subjectName = name;
  }

  /** As {@link #reading(String, String)}, while the name is not known. */
  void reading(String kind, int index) {
    subjectKind = kind;
    subjectName = null;
    subjectIndex = index;
  }

  /** What is being read: {@code key 'general.name'}. */
  String subject() {
    return subjectKind + " " + (subjectName == null ? subjectIndex : quoted(subjectName));
  }

  private String partOfSubject(String part) {
    if (subjectKind.isEmpty()) {
      return part;
    }
    return part.isEmpty() ? subject() : part + " of " + subject();
  }

  ModelFileException error(long offset, String problem) {
    return new ModelFileException(file, offset, problem);
  }

  /** {@code part} is what of the subject the number is; empty for the subject itself. */
  int readInt(String part) {
    need(Integer.BYTES, part);
    int value = bytes.get(INT, position);
    position += Integer.BYTES;
    return value;
  }

  /** As {@link #readInt}. */
  long readLong(String part) {
    need(Long.BYTES, part);
    long value = bytes.get(LONG, position);
    position += Long.BYTES;
    return value;
  }

  /** A count of things that take at least {@code leastBytes} each, so that it fits what is left. */
  int readCount(String part, int leastBytes, int most) {
    long at = position;
    long count = readLong(part);
    if (count < 0 || count > remaining() / leastBytes) {
      throw error(
          at,
          "%s is %s, more than the %d bytes behind it can hold; the file is damaged or cut short"
              .formatted(partOfSubject(part), Long.toUnsignedString(count), remaining()));
    }
    if (count > most) {
      throw error(
          at, "%s is %d, more than the %d supported".formatted(partOfSubject(part), count, most));
    }
    return (int) count;
  }

  /** A key or tensor name. */
  String readName() {
    int length = readCount("the length of the name", 1, MAX_NAME_BYTES);
    long at = position;
    checkKnown(at + length);
    byte[] name = bytes.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
    position += length;
    String text = new String(name, StandardCharsets.UTF_8);
    if (text.isEmpty()) {
      throw error(at, "the name of " + subject() + " is empty");
    }
    if (text.indexOf('\uFFFD') >= 0) {
      throw error(at, "the name of %s, %s, is not UTF-8".formatted(subject(), quoted(text)));
    }
    return text;
  }

  /** Steps over a value, checking all lengths in it. */
  GgufValue readValue() {
    GgufValueType type = readValueType("the type");
    if (type == GgufValueType.ARRAY) {
      return readArray(1);
    }
    long start = position;
    skip(type, 1, 1);
    if (type == GgufValueType.BOOL) {
      checkBool(start);
    }
    return new GgufValue(type, type, 1, start, position);
  }

  private GgufValue readArray(int depth) {
    if (depth > MAX_ARRAY_DEPTH) {
      throw error(
          position, subject() + " nests arrays deeper than the " + MAX_ARRAY_DEPTH + " supported");
    }
    GgufValueType element = readValueType("the element type");
    int least =
        switch (element) {
          case STRING -> Long.BYTES;
          case ARRAY -> Integer.BYTES + Long.BYTES;
          default -> element.bytes();
        };
    int count = readCount("the number of elements", least, MAX_ARRAY_ELEMENTS);
    long start = position;
    skip(element, count, depth);
    return new GgufValue(GgufValueType.ARRAY, element, count, start, position);
  }

  private void skip(GgufValueType type, int count, int depth) {
    switch (type) {
      case STRING -> skipStrings(count);
      case ARRAY -> {
        for (int i = 0; i < count; i++) {
          GgufValue _ = readArray(depth + 1);
        }
      }
      default -> {
        need((long) count * type.bytes(), "");
        position += (long) count * type.bytes();
      }
    }
  }

  private void skipStrings(int count) {
    long at = position; // a local: vocabularies have hundreds of thousands of strings
    for (int i = 0; i < count; i++) {
      long left = size - at - Long.BYTES;
      if (left >= 0) {
        checkKnown(at + Long.BYTES);
      }
      long length = left < 0 ? -1 : bytes.get(LONG, at);
      if (length < 0 || length > left || length > MAX_STRING_BYTES) {
        position = at;
        throw badString("the length of string " + i);
      }
      at += Long.BYTES + length;
    }
    position = at;
  }

  private ModelFileException badString(String part) {
    long at = position;
    long length = readLong(part);
    return error(
        at,
        "%s is %s bytes, but %d are left in the file and %d are supported"
            .formatted(
                partOfSubject(part), Long.toUnsignedString(length), remaining(), MAX_STRING_BYTES));
  }

  private GgufValueType readValueType(String part) {
    long at = position;
    int id = readInt(part);
    GgufValueType type = GgufValueType.ofId(id);
    if (type == null) {
      throw error(
          at,
          "%s is %s; known are 0 to 12"
              .formatted(partOfSubject(part), Integer.toUnsignedString(id)));
    }
    return type;
  }

  private void checkBool(long at) {
    byte value = bytes.get(ValueLayout.JAVA_BYTE, at);
    if (value != 0 && value != 1) {
      throw error(at, "%s is a BOOL of value %d; 0 and 1 are allowed".formatted(subject(), value));
    }
  }

  private void need(long count, String part) {
    if (count > size - position) {
      throw error(
          position,
          "the file ends in %s: %d bytes are needed, %d are left; it is cut short or damaged"
              .formatted(partOfSubject(part), count, size - position));
    }
    checkKnown(position + count);
  }

  /**
   * To be called before the bytes before {@code end}, which lie within the file, are looked at.
   *
   * @throws MissingBytesException if not all of them are there
   */
  void checkKnown(long end) {
    if (end > known) {
      throw new MissingBytesException(file, "the header", known);
    }
  }

  /** A name for messages: in quotes, printable, and not too long. */
  static String quoted(String name) {
    StringBuilder out = new StringBuilder("'");
    int end = Math.min(name.length(), MAX_QUOTED_CHARACTERS);
    for (int i = 0; i < end; i++) {
      char c = name.charAt(i);
      if (Character.isISOControl(c) || c == '\uFFFD') {
        out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append(end < name.length() ? "…'" : "'").toString();
  }
}
