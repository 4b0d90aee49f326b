package dev.sluice.model.store;

import dev.sluice.model.gguf.GgufFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Manifests of files that were hashed before, so that a large file is read once. A file is known
 * again by path, size, time of change and the system's own key of it; one that changed within the
 * last seconds is not remembered, since it may change again within the same tick of its clock. For
 * any thread and several processes. What cannot be remembered is hashed anew.
 */
final class ManifestCache {
  private static final Logger LOG = LoggerFactory.getLogger(ManifestCache.class);
  private static final int MAX_ENTRIES = 1000;
  private static final int MAX_STAMP_BYTES = 64 << 20;
  private static final Duration SETTLED = Duration.ofSeconds(3);

  private final Path folder;
  private final InstantSource clock;

  ManifestCache(Path folder, InstantSource clock) {
    this.folder = folder;
    this.clock = clock;
  }

  /** The manifest of an open model, remembered or made now. */
  Manifest manifest(GgufFile file) {
    if (!file.mapped()) {
      return Manifest.of(file);
    }
    Instant start = clock.instant();
    Optional<Stamp> before = stamp(file);
    Optional<Manifest> known = before.flatMap(stamp -> load(file, stamp));
    if (known.isPresent()) {
      return known.get();
    }
    Manifest manifest = Manifest.of(file);
    if (before.isPresent()
        && before.get().newest().isBefore(start.minus(SETTLED))
        && before.equals(stamp(file))) {
      save(file, before.get(), manifest);
    }
    return manifest;
  }

  /** What tells a file from what it may become. */
  private record Stamp(String text, Instant newest) {
    byte[] bytes() {
      return text.getBytes(StandardCharsets.UTF_8);
    }
  }

  private static Optional<Stamp> stamp(GgufFile file) {
    StringBuilder text = new StringBuilder();
    Instant newest = Instant.MIN;
    try {
      for (Path part : file.files()) {
        var attributes = Files.readAttributes(part, BasicFileAttributes.class);
        FileTime changed = attributes.lastModifiedTime();
        text.append(part.toAbsolutePath().normalize()).append('\n');
        text.append(attributes.size()).append(' ');
        text.append(changed.to(TimeUnit.NANOSECONDS)).append(' ');
        text.append(attributes.fileKey()).append('\n');
        newest = changed.toInstant().isAfter(newest) ? changed.toInstant() : newest;
      }
    } catch (IOException e) {
      LOG.debug("{} cannot be looked at: {}", file.path(), Disk.reason(e));
      return Optional.empty();
    }
    return Optional.of(new Stamp(text.toString(), newest));
  }

  private Path entry(GgufFile file) {
    String path = file.path().toAbsolutePath().normalize().toString();
    byte[] hash = Hashes.sha256().digest(path.getBytes(StandardCharsets.UTF_8));
    return folder.resolve(HexFormat.of().formatHex(hash));
  }

  /** An entry: the stamp, the manifest, each with its length before it, and a SHA-256 of both. */
  private Optional<Manifest> load(GgufFile file, Stamp stamp) {
    Path entry = entry(file);
    try {
      if (!Files.isRegularFile(entry)) {
        return Optional.empty();
      }
      byte[] bytes = Disk.read(entry, Manifest.MAX_ENCODED_BYTES + MAX_STAMP_BYTES);
      int end = Math.max(0, bytes.length - Hashes.BYTES);
      byte[] body = Arrays.copyOf(bytes, end);
      if (!Arrays.equals(
          Hashes.sha256().digest(body), Arrays.copyOfRange(bytes, end, bytes.length))) {
        return Optional.empty();
      }
      DataInputStream in = new DataInputStream(new ByteArrayInputStream(body));
      byte[] stamped = in.readNBytes(in.readInt());
      if (!Arrays.equals(stamped, stamp.bytes())) {
        return Optional.empty();
      }
      byte[] manifest = in.readNBytes(in.readInt());
      return Optional.of(Manifest.decode(manifest, ContentId.of(Hashes.sha256().digest(manifest))));
    } catch (IOException | IllegalArgumentException | StoreException e) {
      LOG.debug("{} is passed over: {}", entry, e.getMessage());
      return Optional.empty();
    }
  }

  private void save(GgufFile file, Stamp stamp, Manifest manifest) {
    Path entry = entry(file);
    try {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(body);
      for (byte[] part : List.of(stamp.bytes(), manifest.encoded())) {
        out.writeInt(part.length);
        out.write(part);
      }
      body.write(Hashes.sha256().digest(body.toByteArray()));
      Files.createDirectories(folder);
      makeRoom();
      Disk.write(entry, body.toByteArray());
    } catch (IOException e) {
      LOG.warn(
          "the hash of {} cannot be kept, so it will be made again: {}: {}",
          file.path(),
          entry,
          Disk.reason(e));
    }
  }

  private void makeRoom() throws IOException {
    List<Path> entries = new ArrayList<>(Disk.list(folder));
    if (entries.size() >= MAX_ENTRIES) {
      entries.sort(Comparator.comparingLong(entry -> entry.toFile().lastModified()));
      for (Path old : entries.subList(0, entries.size() - MAX_ENTRIES + 1)) {
        Files.deleteIfExists(old);
      }
    }
  }
}
