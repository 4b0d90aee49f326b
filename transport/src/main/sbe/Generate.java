import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import uk.co.real_logic.sbe.SbeTool;

/**
 * Generates the codecs of a schema into a folder, and leaves alone what is already as it should be:
 * a build without a change to the schema finds no source newer than its class.
 */
final class Generate {
  public static void main(String[] args) throws Exception {
    Path schema = Path.of(args[0]);
    Path target = Path.of(args[1]);
    Path stamp = target.resolveSibling(target.getFileName() + ".schema");
    if (Files.exists(stamp) && Files.isDirectory(target) && Files.mismatch(stamp, schema) < 0) {
      return;
    }
    Path fresh = Files.createTempDirectory("sbe");
    try {
      System.setProperty("sbe.output.dir", fresh.toString());
      SbeTool.main(new String[] {schema.toString()});
      Files.createDirectories(target);
      for (Path old : walk(target)) {
        if (Files.isRegularFile(old) && Files.notExists(fresh.resolve(target.relativize(old)))) {
          Files.delete(old);
        }
      }
      for (Path file : walk(fresh)) {
        Path copy = target.resolve(fresh.relativize(file));
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else if (Files.notExists(copy) || Files.mismatch(file, copy) >= 0) {
          Files.write(copy, Files.readAllBytes(file));
        }
      }
      Files.write(stamp, Files.readAllBytes(schema));
    } finally {
      for (Path path : walk(fresh).reversed()) {
        Files.delete(path);
      }
    }
  }

  /** A folder and all in it, each before what it holds. */
  private static List<Path> walk(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.sorted(Comparator.naturalOrder()).toList();
    }
  }
}
