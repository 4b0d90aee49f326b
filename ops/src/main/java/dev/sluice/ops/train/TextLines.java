package dev.sluice.ops.train;

import dev.sluice.ops.CommandException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The lines of a UTF-8 file, one at a time, each with the line end behind it. Memory: a few times
 * the longest line. For one thread; who opens it closes it.
 */
final class TextLines implements AutoCloseable {
  /** A line longer than this is refused. */
  static final int MAX_LINE_BYTES = 64 << 20;

  private static final int FIRST_BUFFER = 1 << 16;
  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  private final Path file;
  private final InputStream in;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private byte[] buffer = new byte[FIRST_BUFFER];
  private CharBuffer chars = CharBuffer.allocate(FIRST_BUFFER);
  private int from;
  private int to;
  private int filled;
  private boolean ended;
  private long offset;
  private long line;

  private TextLines(Path file, InputStream in) {
    this.file = file;
    this.in = in;
  }

  static TextLines open(Path file) {
    try {
      return new TextLines(file, Files.newInputStream(file));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Goes on to the next line, if there is one.
   *
   * @throws CommandException where it is too long, is not UTF-8 or cannot be read
   */
  boolean advance() {
    offset += to - from;
    from = to;
    int searched = from;
    int end = newline(searched);
    while (end < 0 && !ended) {
      searched = filled - from;
      fill();
      searched += from;
      end = newline(searched);
    }
    to = end < 0 ? filled : end + 1;
    if (from == to) {
      return false;
    }
    line++;
    decode();
    return true;
  }

  /** The line with its line end; a view that the next {@link #advance} changes. */
  CharSequence text() {
    return chars;
  }

  /** Whether the line is white space only. */
  boolean isBlank() {
    return chars.chars().allMatch(Character::isWhitespace);
  }

  /** The line's bytes. */
  InputStream bytes() {
    return new ByteArrayInputStream(buffer, from, to - from);
  }

  Path file() {
    return file;
  }

  /** The number of the line, from 1; 0 before the first. */
  long line() {
    return line;
  }

  /** Where in the file the line begins. */
  long offset() {
    return offset;
  }

  /** Where in the file the line ends. */
  long position() {
    return offset + (to - from);
  }

  /** Whether no line follows. */
  boolean atEnd() {
    if (to == filled && !ended) {
      fill();
    }
    return ended && to == filled;
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private int newline(int start) {
    for (int i = start; i < filled; i++) {
      if (buffer[i] == '\n') {
        return i;
      }
    }
    return -1;
  }

  /** Reads more behind what is there; moves the line that is being read to the buffer's start. */
  private void fill() {
    if (filled - from > MAX_LINE_BYTES) {
      throw new CommandException(
          "%s:%d: the line at offset %d is longer than %d MiB"
              .formatted(file, line + 1, offset, MAX_LINE_BYTES >> 20));
    }
    if (from > 0) {
      System.arraycopy(buffer, from, buffer, 0, filled - from);
      to -= from;
      filled -= from;
      from = 0;
    }
    if (filled == buffer.length) {
      buffer = Arrays.copyOf(buffer, 2 * buffer.length);
    }
    try {
      int read = in.read(buffer, filled, buffer.length - filled);
      ended = read < 0;
      filled += Math.max(read, 0);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private void decode() {
    if (chars.capacity() < to - from) {
      chars = CharBuffer.allocate(buffer.length);
    }
    chars.clear();
    boolean marked =
        line == 1
            && Arrays.equals(
                buffer, from, Math.min(from + 3, to), BYTE_ORDER_MARK, 0, BYTE_ORDER_MARK.length);
    ByteBuffer source = ByteBuffer.wrap(buffer, from, to - from);
    if (marked) {
      source.position(from + BYTE_ORDER_MARK.length);
    }
    CoderResult result = decoder.reset().decode(source, chars, true);
    if (result.isError()) {
      int at = source.position();
      throw new CommandException(
          "%s:%d: not UTF-8: byte 0x%02X at offset %d; convert the file to UTF-8"
              .formatted(file, line, buffer[at], offset + (at - from)));
    }
    chars.flip();
  }

  private static CommandException unreadable(Path file, IOException e) {
    return new CommandException(file + ": cannot be read: " + e.getMessage(), e);
  }
}
