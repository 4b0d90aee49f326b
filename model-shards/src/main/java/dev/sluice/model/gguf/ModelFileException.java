package dev.sluice.model.gguf;

import java.nio.file.Path;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A model file that cannot be used. The message names the file, the tensor or key, the offset where
 * one is known, and what to do where something can be done.
 */
public sealed class ModelFileException extends RuntimeException permits MissingBytesException {
  private static final long serialVersionUID = 1L;
  private static final long NO_OFFSET = -1;

  private final transient Path file;
  private final long offset;

  /** {@code problem} names the tensor or key and says what is wrong with it. */
  public ModelFileException(Path file, String problem) {
    this(file, NO_OFFSET, problem, null);
  }

  /** As {@link #ModelFileException(Path, String)}, with the failure behind it. */
  public ModelFileException(Path file, String problem, @Nullable Throwable cause) {
    this(file, NO_OFFSET, problem, cause);
  }

  /** {@code offset} is the place in {@code file}, in bytes from its start. */
  public ModelFileException(Path file, long offset, String problem) {
    this(file, offset, problem, null);
  }

  private ModelFileException(Path file, long offset, String problem, @Nullable Throwable cause) {
    super(
        file + ": " + problem + (offset == NO_OFFSET ? "" : " (at offset " + offset + ")"), cause);
    this.file = file;
    this.offset = offset;
  }

  /** The file at fault; of a split model, the part at fault. */
  public Path file() {
    return file;
  }

  /** Where in the file, in bytes from its start, if that is known. */
  public OptionalLong offset() {
    return offset == NO_OFFSET ? OptionalLong.empty() : OptionalLong.of(offset);
  }
}
