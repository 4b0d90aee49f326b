package dev.sluice.actors.kept;

import com.typesafe.config.Config;

/**
 * How much a stage's {@link RowLog} of activations may take.
 *
 * @param memoryBytes outside the heap
 * @param diskBytes of a temporary file, for what memory does not hold
 */
public record LogLimits(long memoryBytes, long diskBytes) {
  /** No log: a lost stage's sequences are computed again from their tokens, on all stages. */
  public static final LogLimits OFF = new LogLimits(0, 0);

  public LogLimits {
    if (memoryBytes < 0 || diskBytes < 0) {
      throw new IllegalArgumentException(
          "a log of activations of %d bytes in memory and %d on disk: neither can be negative"
              .formatted(memoryBytes, diskBytes));
    }
    if (memoryBytes == 0 && diskBytes > 0) {
      throw new IllegalArgumentException(
          "a log of activations needs some memory before it uses the disk");
    }
  }

  /** Reads the keys {@code memory} and {@code disk}. */
  public static LogLimits of(Config config) {
    return new LogLimits(
        config.getMemorySize("memory").toBytes(), config.getMemorySize("disk").toBytes());
  }

  /** Whether there is no log. */
  public boolean off() {
    return memoryBytes == 0;
  }
}
