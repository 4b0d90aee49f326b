package dev.sluice.model.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The names in a store, a small file each: the id, and where the model came from. */
final class NameTable {
  private static final int MAX_FILE_BYTES = 8 << 10;
  private static final int MAX_SOURCE_CHARACTERS = 2000;

  private final Path folder;

  NameTable(Path folder) {
    this.folder = folder;
  }

  /** What a name stands for. */
  record Target(ContentId id, String source) {}

  /** Removes what a killed process left half-written. */
  void clearLeftovers() throws IOException {
    for (Path file : Disk.list(folder)) {
      if (Disk.isAside(file)) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** All names, in order. A file that is no name's is passed over. */
  Map<ModelName, Target> all() throws IOException {
    Map<ModelName, Target> names = new TreeMap<>((a, b) -> a.fileName().compareTo(b.fileName()));
    for (Path file : Disk.list(folder)) {
      Optional<ModelName> name = ModelName.ofFileName(String.valueOf(file.getFileName()));
      if (name.isPresent()) {
        read(file).ifPresent(target -> names.put(name.get(), target));
      }
    }
    return names;
  }

  Optional<Target> find(ModelName name) {
    return read(folder.resolve(name.fileName()));
  }

  private static Optional<Target> read(Path file) {
    try {
      String[] lines =
          new String(Disk.read(file, MAX_FILE_BYTES), StandardCharsets.UTF_8).split("\n", -1);
      return Optional.of(new Target(new ContentId(lines[0]), lines.length > 1 ? lines[1] : ""));
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  void put(ModelName name, ContentId id, String source) throws IOException {
    String line = source.replaceAll("\\p{Cntrl}", "?");
    line = line.substring(0, Math.min(line.length(), MAX_SOURCE_CHARACTERS));
    Files.createDirectories(folder);
    Disk.write(
        folder.resolve(name.fileName()),
        (id.hex() + "\n" + line + "\n").getBytes(StandardCharsets.UTF_8));
  }

  void remove(ModelName name) throws IOException {
    Files.deleteIfExists(folder.resolve(name.fileName()));
  }
}
