package dev.sluice.model.gguf;

import java.nio.file.Path;

/**
 * Which bytes of a model's files are there, for files with holes: a store that fetched some layers
 * only. For any thread. What is there stays there until {@link #close}.
 */
public interface Presence extends AutoCloseable {
  /** All of every file: ordinary files, without holes. */
  Presence WHOLE =
      new Presence() {
        @Override
        public long leading(Path file) {
          return Long.MAX_VALUE;
        }

        @Override
        public boolean has(Path file, long offset, long bytes) {
          return true;
        }

        @Override
        public void close() {}
      };

  /** How many bytes from the start of {@code file} are there without a gap. */
  long leading(Path file);

  /** Whether {@code bytes} bytes from {@code offset} on are there. */
  boolean has(Path file, long offset, long bytes);

  /** The model that asked is closed, or could not be opened. */
  @Override
  void close();
}
