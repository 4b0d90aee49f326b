package dev.sluice.actors;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;

/** The fixtures beside the project, for tests that skip themselves where they are absent. */
final class Fixtures {
  private Fixtures() {}

  /** A file below the folder of fixtures; the test is skipped where there is none. */
  static Path file(String name) {
    Path at = Path.of("").toAbsolutePath();
    while (at != null) {
      Path found = at.resolve("shared/fixtures").resolve(name);
      if (Files.exists(found)) {
        return found;
      }
      at = at.getParent();
    }
    assumeThat(false).as("fixture " + name + " is absent: ../shared/fixtures").isTrue();
    throw new AssertionError(name);
  }
}
