package dev.sluice.actors.weights;

import com.typesafe.config.Config;
import dev.sluice.model.store.Manifest;
import java.time.Duration;

/**
 * What whoever runs a node may say of its fetches.
 *
 * @param bytesPerSecond most that it takes, by all its fetches together; 0 for no limit
 * @param patience how long a fetch goes on without one more chunk
 */
public record TransferLimits(long bytesPerSecond, Duration patience) {
  /** Chunks in the making share what comes, and one of them must be whole before patience ends. */
  private static final long AT_ONCE_BYTES =
      2L * TransferSettings.DEFAULT.chunksAtOnce() * Manifest.CHUNK_BYTES;

  public TransferLimits {
    if (bytesPerSecond < 0) {
      throw new IllegalArgumentException(
          "sluice.weights.max-bytes-per-second " + bytesPerSecond + ": at least 0");
    }
    if (patience.isNegative() || patience.isZero()) {
      throw new IllegalArgumentException("sluice.weights.patience " + patience + ": more than 0");
    }
    double least = (double) AT_ONCE_BYTES / Math.max(1, patience.toSeconds());
    if (bytesPerSecond != 0 && bytesPerSecond < least) {
      throw new IllegalArgumentException(
          "sluice.weights.max-bytes-per-second %d: at least %.0f where sluice.weights.patience is %d s"
              .formatted(bytesPerSecond, Math.ceil(least), patience.toSeconds()));
    }
  }

  /** Reads the configuration's {@code sluice.weights}. */
  public static TransferLimits of(Config weights) {
    return new TransferLimits(
        weights.getMemorySize("max-bytes-per-second").toBytes(), weights.getDuration("patience"));
  }
}
