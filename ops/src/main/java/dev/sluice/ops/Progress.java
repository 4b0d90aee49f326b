package dev.sluice.ops;

import java.io.Console;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** One line on a terminal that says how far it is; nothing elsewhere. One thread. */
public final class Progress implements AutoCloseable {
  private static final long PERIOD = TimeUnit.MILLISECONDS.toNanos(200);

  private final boolean terminal = isTerminal();
  private long last = System.nanoTime() - PERIOD;
  private int width;

  @SuppressWarnings("SystemConsoleNull") // NullAway knows the older contract
  private static boolean isTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** Whether someone is watching. */
  public boolean onTerminal() {
    return terminal;
  }

  /** Says how far it is, a few times a second at most. */
  public void say(Supplier<String> text) {
    if (terminal && System.nanoTime() - last >= PERIOD) {
      last = System.nanoTime();
      show(text.get());
    }
  }

  private void show(String line) {
    Streams.err().print("\r" + line + " ".repeat(Math.max(0, width - line.length())));
    Streams.err().flush();
    width = line.length();
  }

  /** Clears the line. */
  @Override
  public void close() {
    if (width > 0) {
      show("");
      Streams.err().print("\r");
      Streams.err().flush();
    }
  }
}
