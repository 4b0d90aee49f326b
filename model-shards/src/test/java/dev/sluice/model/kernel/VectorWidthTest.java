package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The same bits from machines with other vectors: real ones, whose JVMs are told to use less. */
class VectorWidthTest {
  private static String checksums(int vectorBytes, int threads)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:MaxVectorSize=" + vectorBytes,
                "-cp",
                System.getProperty("java.class.path"),
                KernelChecksum.class.getName(),
                Integer.toString(threads))
            .redirectErrorStream(false)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
      return output;
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  @Timeout(300)
  void shouldGiveTheSameBitsWithAnyVectorLength() throws Exception {
    List<String> narrow = checksums(16, 1).lines().toList();
    assertThat(narrow.getFirst()).isEqualTo("lanes 4");
    assertThat(narrow).hasSizeGreaterThan(80);
    for (int bytes : new int[] {32, 64}) {
      List<String> wide = checksums(bytes, 2).lines().toList();
      assertThat(wide.subList(1, wide.size()))
          .as(bytes + "-byte vectors, " + wide.getFirst())
          .isEqualTo(narrow.subList(1, narrow.size()));
    }
  }
}
