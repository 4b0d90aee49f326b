package dev.sluice.actors.weights;

import java.time.Duration;

/**
 * The limits of a fetch.
 *
 * @param pieceBytes bytes asked for at once
 * @param windowPerSource pieces that one source may owe at a time: the back-pressure
 * @param chunksAtOnce chunks in the making, each of which takes its size in memory
 * @param pieceTimeout until a piece is asked for again; doubled each time
 * @param attempts how often a piece is asked for before its chunk is tried elsewhere
 * @param rest how long a source that failed is left alone; doubled each time, up to 16 times
 * @param lookAgain how often sources are asked what they have, while something is missing
 * @param patience how long a fetch goes on without one more chunk
 * @param bytesPerSecond that a node takes, by all its fetches together; 0 for no limit
 */
record TransferSettings(
    int pieceBytes,
    int windowPerSource,
    int chunksAtOnce,
    Duration pieceTimeout,
    int attempts,
    Duration rest,
    Duration lookAgain,
    Duration patience,
    long bytesPerSecond) {
  static final TransferSettings DEFAULT =
      new TransferSettings(
          WeightRequest.MAX_PIECE_BYTES,
          8,
          4,
          Duration.ofSeconds(3),
          3,
          Duration.ofSeconds(2),
          Duration.ofSeconds(3),
          Duration.ofSeconds(120),
          0);

  /** The usual ones, with what whoever runs a node may change. */
  static TransferSettings of(TransferLimits limits) {
    return new TransferSettings(
        DEFAULT.pieceBytes,
        DEFAULT.windowPerSource,
        DEFAULT.chunksAtOnce,
        DEFAULT.pieceTimeout,
        DEFAULT.attempts,
        DEFAULT.rest,
        DEFAULT.lookAgain,
        limits.patience(),
        limits.bytesPerSecond());
  }
}
