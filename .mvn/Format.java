import com.google.googlejavaformat.java.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Formats every Java source of the modules, or (mode {@code check}) fails where one is not. */
final class Format {
  public static void main(String[] args) throws IOException {
    boolean check = args[0].equals("check");
    List<String> arguments =
        new ArrayList<>(check ? List.of("--dry-run", "--set-exit-if-changed") : List.of("--replace"));
    int options = arguments.size();
    try (Stream<Path> modules = Files.list(Path.of(args[1]))) {
      for (Path sources : modules.map(m -> m.resolve("src")).filter(Files::isDirectory).toList()) {
        try (Stream<Path> files = Files.walk(sources)) {
          files.map(Path::toString).filter(f -> f.endsWith(".java")).forEach(arguments::add);
        }
      }
    }
    if (arguments.size() == options) {
      return;
    }
    if (check) {
      System.err.println("Files that are not formatted (none if none follow; mend: ./mvnw -N -Dformat=write process-sources):");
    }
    Main.main(arguments.toArray(String[]::new));
  }
}
