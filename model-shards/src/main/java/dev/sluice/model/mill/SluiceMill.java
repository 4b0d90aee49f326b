package dev.sluice.model.mill;

import dev.sluice.model.gguf.GgufFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * The model that comes with the program: a GGUF file among its resources, of a few megabytes, with
 * a model card beside it. It is read into memory as it is; nothing is unpacked onto the disk, so
 * there is nothing there to check, to clean up or to be tampered with.
 */
public final class SluiceMill {
  /** What the model is called. */
  public static final String NAME = "sluice-mill";

  static final String RESOURCE = NAME + "/" + NAME + ".gguf";

  private SluiceMill() {}

  /**
   * Opens the model; the caller closes it.
   *
   * @return the model, or nothing where this build comes without it
   * @throws dev.sluice.model.gguf.ModelFileException if the resource is no valid model
   */
  public static Optional<GgufFile> open() {
    return open(RESOURCE);
  }

  /**
   * Writes the model to a file, for other processes.
   *
   * @throws IOException if the file cannot be written, or this build comes without the model
   */
  public static void copyTo(Path file) throws IOException {
    try (InputStream in = SluiceMill.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IOException("this build comes without " + NAME);
      }
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  static Optional<GgufFile> open(String resource) {
    try (InputStream in = SluiceMill.class.getResourceAsStream(resource)) {
      return in == null
          ? Optional.empty()
          : Optional.of(GgufFile.of(Path.of(resource), in.readAllBytes()));
    } catch (IOException e) {
      throw new UncheckedIOException(resource + ": the program's jar cannot be read", e);
    }
  }
}
