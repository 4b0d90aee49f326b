package dev.sluice.ops.train;

import dev.sluice.ops.CommandException;
import dev.sluice.stages.chat.ChatMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The documents in files of text, one after the other, read as they are asked for. For one thread;
 * who opens it closes it.
 *
 * <ul>
 *   <li>A {@code .txt} file is one document. One larger than {@value #MAX_TEXT_BYTES} bytes comes
 *       as several, cut at ends of lines.
 *   <li>A {@code .jsonl} file has an object a line: {@code {"text": "…"}} or {@code {"messages":
 *       [{"role": "system|user|assistant", "content": "…"}]}}. Blank lines and other fields are
 *       skipped.
 * </ul>
 *
 * <p>Files are UTF-8, strictly: what is not is an error, and is never replaced. A byte order mark
 * at the start is skipped. Every error is a {@link CommandException} that names the file, and the
 * line and the offset of the byte where these are known.
 */
public final class Documents implements Iterator<Documents.Document>, AutoCloseable {
  /** The most bytes of a {@code .txt} file that are one document. */
  static final int MAX_TEXT_BYTES = 16 << 20;

  private final List<Path> files;
  private final long bytes;
  private long bytesOfClosed;
  private int nextFile;
  private @Nullable TextLines lines;
  private @Nullable Document next;

  /**
   * A document: a text, or the messages of a conversation.
   *
   * @param text the text, or null where it is a conversation
   * @param messages the conversation's messages, at least one; empty where it is a text
   * @param where the file, and the line where a file has several documents, for messages
   */
  public record Document(@Nullable String text, List<ChatMessage> messages, String where) {
    public Document {
      messages = List.copyOf(messages);
    }
  }

  private Documents(List<Path> files, long bytes) {
    this.files = files;
    this.bytes = bytes;
  }

  /**
   * The documents of some files, in the order given. Checks that all files are there; reads none.
   *
   * @throws CommandException where one is missing, or is neither {@code .txt} nor {@code .jsonl}
   */
  public static Documents open(List<Path> files) {
    long bytes = 0;
    for (Path file : files) {
      if (Files.isDirectory(file)) {
        throw new CommandException(file + ": is a folder; name the files in it");
      }
      if (!Files.exists(file)) {
        throw new CommandException(file + ": no such file");
      }
      if (!isText(file) && !isJsonLines(file)) {
        throw new CommandException(
            file + ": neither .txt (one document) nor .jsonl (a document a line)");
      }
      try {
        bytes += Files.size(file);
      } catch (IOException e) {
        throw new CommandException(file + ": cannot be read: " + e.getMessage(), e);
      }
    }
    return new Documents(List.copyOf(files), bytes);
  }

  /** How many bytes all files have together. */
  public long bytes() {
    return bytes;
  }

  /** How many bytes have been read so far. */
  public long bytesRead() {
    return bytesOfClosed + (lines == null ? 0 : lines.position());
  }

  @Override
  public boolean hasNext() {
    while (next == null) {
      if (lines == null) {
        if (nextFile == files.size()) {
          return false;
        }
        lines = TextLines.open(files.get(nextFile++));
      }
      next = isText(lines.file()) ? text(lines) : jsonLine(lines);
      if (next == null) {
        close();
      }
    }
    return true;
  }

  @Override
  public Document next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no document is left");
    }
    Document document = next;
    next = null;
    return Objects.requireNonNull(document);
  }

  /** Closes the file that is open, if one is. */
  @Override
  public void close() {
    if (lines != null) {
      bytesOfClosed += lines.position();
      lines.close();
      lines = null;
    }
  }

  private static @Nullable Document text(TextLines lines) {
    boolean first = lines.line() == 0;
    StringBuilder text = new StringBuilder();
    long start = lines.position();
    long line = lines.line() + 1;
    while (lines.position() - start < MAX_TEXT_BYTES && lines.advance()) {
      text.append(lines.text());
    }
    boolean whole = first && lines.atEnd();
    return text.isEmpty()
        ? null
        : new Document(
            text.toString(),
            List.of(),
            whole ? lines.file().toString() : lines.file() + ":" + line);
  }

  private static @Nullable Document jsonLine(TextLines lines) {
    while (lines.advance()) {
      if (!lines.isBlank()) {
        return JsonDocument.read(lines);
      }
    }
    return null;
  }

  private static boolean isText(Path file) {
    return hasEnding(file, ".txt");
  }

  private static boolean isJsonLines(Path file) {
    return hasEnding(file, ".jsonl");
  }

  private static boolean hasEnding(Path file, String ending) {
    return file.toString().toLowerCase(Locale.ROOT).endsWith(ending);
  }
}
