package dev.sluice.model;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Where the shared test data is: {@code shared/fixtures} beside the project's root. */
public final class Fixtures {
  private Fixtures() {}

  /** A file or folder of the fixtures; the calling test is skipped where it is absent. */
  public static Path path(String name) {
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      Path fixtures = folder.resolve("shared/fixtures");
      if (Files.isDirectory(fixtures)) {
        Path path = fixtures.resolve(name);
        Assumptions.assumeTrue(Files.exists(path), () -> "skipped: no fixture " + path);
        return path;
      }
    }
    Assumptions.abort("skipped: no folder shared/fixtures beside the project");
    throw new IllegalStateException("unreachable");
  }
}
