package dev.sluice.actors.probe;

import dev.sluice.actors.placement.KernelRate;
import dev.sluice.model.store.Hashes;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Speeds on disk: a file for each machine and program, named by a hash of what they are. What is in
 * it is not trusted: whatever cannot be a speed is measured again. A disk that cannot be read or
 * written only means that the next start measures too.
 */
final class SpeedCache {
  private static final Logger LOG = LoggerFactory.getLogger(SpeedCache.class);
  private static final int MAX_BYTES = 1 << 16;
  private static final String SUBJECT = "subject";

  private final Path file;
  private final String subject;
  private final Properties speeds = new Properties();

  /**
   * Reads what is there.
   *
   * @param subject whatever a speed depends on besides the matrices
   */
  SpeedCache(Path folder, String subject) {
    this.subject = subject;
    file = folder.resolve("kernel-speed-" + hash(subject) + ".properties");
    Properties read = read(file);
    // A hash that is the same by chance, or a file that was put there by hand.
    if (subject.equals(read.getProperty(SUBJECT))) {
      speeds.putAll(read);
    }
  }

  private static Properties read(Path file) {
    Properties read = new Properties();
    try (var in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES);
      read.load(new StringReader(new String(bytes, StandardCharsets.UTF_8)));
    } catch (IOException | IllegalArgumentException e) {
      LOG.debug("No measured speeds in {}", file, e);
    }
    return read;
  }

  Optional<KernelRate> get(MatrixKind kind) {
    String[] numbers = speeds.getProperty(key(kind), "").split(" ", -1);
    try {
      return numbers.length == 2
          ? Optional.of(
              new KernelRate(Double.parseDouble(numbers[0]), Double.parseDouble(numbers[1])))
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      LOG.debug("Not a speed in {}", file, e);
      return Optional.empty();
    }
  }

  void put(MatrixKind kind, KernelRate rate) {
    speeds.setProperty(key(kind), rate.decode() + " " + rate.prompt());
  }

  /** Sizes count by powers of two. */
  private static String key(MatrixKind kind) {
    int size = Long.SIZE - Long.numberOfLeadingZeros(kind.bytes());
    return kind.type() + "-" + kind.columns() + "-" + size;
  }

  /** Writes aside and renames, so that a reader finds all of it or what was there before. */
  void save() {
    try {
      speeds.setProperty(SUBJECT, subject);
      StringWriter text = new StringWriter();
      speeds.store(text, "Measured speeds of kernels; delete this file to have them measured anew");
      if (text.getBuffer().length() > MAX_BYTES) {
        LOG.warn("{} has grown too large and begins anew", file);
        Files.deleteIfExists(file);
        return;
      }
      Files.createDirectories(file.toAbsolutePath().getParent());
      Path aside = Files.createTempFile(file.toAbsolutePath().getParent(), "speed", ".aside");
      try {
        Files.writeString(aside, text.toString());
        Files.move(aside, file, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(aside);
      }
    } catch (IOException e) {
      LOG.warn("Measured speeds could not be kept in {}: {}", file, e.toString());
    }
  }

  private static String hash(String text) {
    byte[] digest = Hashes.sha256().digest(text.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(digest, 0, 8);
  }
}
