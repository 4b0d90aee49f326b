package dev.sluice.model.gguf;

import java.nio.file.Path;

/** A part of a model file that is asked for is not there as yet: a file with holes. */
public final class MissingBytesException extends ModelFileException {
  private static final long serialVersionUID = 1L;

  private final long from;

  /** {@code what} is not there; {@code from} is the offset of the first byte that is not. */
  public MissingBytesException(Path file, String what, long from) {
    super(file, from, what + " is not there: that part of the model was not fetched");
    this.from = from;
  }

  /** Where in {@link #file()} the first byte lies that is missing. */
  public long from() {
    return from;
  }
}
