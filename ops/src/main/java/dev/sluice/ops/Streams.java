package dev.sluice.ops;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Standard input, output and error, always UTF-8, and text files. */
public final class Streams {
  /** The most text that is read from a file or from standard input. */
  static final int MAX_TEXT_BYTES = 64 << 20;

  private static final PrintStream OUT = utf8(FileDescriptor.out);
  private static final PrintStream ERR = utf8(FileDescriptor.err);

  private Streams() {}

  /** Standard output: data. */
  public static PrintStream out() {
    return OUT;
  }

  /** Standard error: everything else. */
  public static PrintStream err() {
    return ERR;
  }

  /** Whether somebody sits before standard input and output. */
  @SuppressWarnings("SystemConsoleNull") // NullAway knows the older contract
  static boolean areTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  static String readInput() {
    try {
      return text(System.in, "standard input");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A text file (UTF-8). */
  public static String readFile(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return text(in, file.toString());
    } catch (IOException e) {
      throw new CommandException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static String text(InputStream in, String name) throws IOException {
    byte[] bytes = in.readNBytes(MAX_TEXT_BYTES + 1);
    if (bytes.length > MAX_TEXT_BYTES) {
      throw new CommandException(name + ": longer than " + (MAX_TEXT_BYTES >> 20) + " MiB");
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static PrintStream utf8(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), false, StandardCharsets.UTF_8);
  }
}
