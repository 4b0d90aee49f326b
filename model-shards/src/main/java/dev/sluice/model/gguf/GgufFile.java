package dev.sluice.model.gguf;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Optional;

/**
 * A GGUF model, open and mapped read-only into memory: version 2 or 3, in one file or split in
 * parts, with tensors or with a vocabulary only.
 *
 * <p>Opening reads the header and checks all of it; weights and long arrays of metadata are read
 * when asked for. For any thread. Who opens it closes it, after everything that uses its tensors or
 * metadata; any use after that throws {@link IllegalStateException}.
 */
@SuppressWarnings("DoNotCallSuggester") // signatures first
public final class GgufFile implements AutoCloseable {

  private GgufFile() {}

  /**
   * Opens a model. Of a split model any part may be named; all parts must lie in one folder.
   *
   * @throws ModelFileException if it cannot be read or is no valid GGUF model of a supported kind
   */
  public static GgufFile open(Path file) {
    if (file.getNameCount() > 0) {
      throw new UnsupportedOperationException(file.toString());
    }
    return new GgufFile();
  }

  /** The file; of a split model, its first part. */
  public Path path() {
    throw new UnsupportedOperationException();
  }

  /** The version of the format: 2 or 3. */
  public int version() {
    throw new UnsupportedOperationException();
  }

  /** The metadata; of a split model, that of its first part. */
  public GgufMetadata metadata() {
    throw new UnsupportedOperationException();
  }

  /** All tensors in the order of the file or files. Empty for a vocabulary. */
  public Collection<GgufTensor> tensors() {
    throw new UnsupportedOperationException();
  }

  /** The tensor of that name, if there is one. */
  public Optional<GgufTensor> find(String name) {
    throw new UnsupportedOperationException(name);
  }

  /**
   * The tensor of that name.
   *
   * @throws ModelFileException if there is none
   */
  public GgufTensor tensor(String name) {
    throw new UnsupportedOperationException(name);
  }

  /** Size of the file in bytes; of a split model, of all parts together. */
  public long bytes() {
    throw new UnsupportedOperationException();
  }

  /** Unmaps the file. Every segment taken from it becomes invalid. Closing twice is fine. */
  @Override
  public void close() {}
}
