package dev.sluice.ops.serve.http;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was read from files, and is read anew when they change, without a restart. Looked at when it
 * is used, at most once a second; what cannot be read is logged, and what was read before stays.
 */
final class WatchedFiles<T> {
  private static final Logger LOG = LoggerFactory.getLogger(WatchedFiles.class);
  private static final long PAUSE = Duration.ofSeconds(1).toNanos();

  private final List<Path> files;
  private final Reader<T> reader;
  private final LongSupplier clock;
  private T value;
  private List<String> seen;
  private long lookedNanos;

  /** Reads the files; what it throws has a message for people. */
  interface Reader<T> {
    T read() throws IOException;
  }

  /**
   * Reads the files for the first time.
   *
   * @param clock nanoseconds, ascending
   * @throws IOException as the reader does
   */
  WatchedFiles(List<Path> files, Reader<T> reader, LongSupplier clock) throws IOException {
    this.files = List.copyOf(files);
    this.reader = reader;
    this.clock = clock;
    this.seen = marks();
    this.value = reader.read();
    this.lookedNanos = clock.getAsLong();
  }

  synchronized T get() {
    long now = clock.getAsLong();
    if (now - lookedNanos >= PAUSE) {
      lookedNanos = now;
      List<String> marks = marks();
      if (!marks.equals(seen)) {
        seen = marks;
        try {
          value = reader.read();
          LOG.info("Read {} again", files);
        } catch (IOException | RuntimeException e) {
          LOG.error("Cannot use {}, so what was read before stays: {}", files, e.getMessage());
        }
      }
    }
    return value;
  }

  /** Times and sizes; a file that is being replaced may not be there for a moment. */
  private List<String> marks() {
    List<String> marks = new ArrayList<>();
    for (Path file : files) {
      try {
        marks.add(Files.getLastModifiedTime(file) + "/" + Files.size(file));
      } catch (IOException e) {
        marks.add("missing");
      }
    }
    return marks;
  }
}
