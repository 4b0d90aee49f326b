package dev.sluice.ops.train;

import dev.sluice.model.training.Trainer;
import dev.sluice.ops.Streams;
import java.io.Console;
import java.io.PrintStream;
import java.util.Locale;

/**
 * How far a training is: one line that is written over on a terminal, else a line every hundredth
 * of the way. On standard error.
 */
final class Progress {
  private static final long NANOS = 1_000_000_000L;
  private static final long TERMINAL_PERIOD = NANOS / 4;
  private static final int PLAIN_LINES = 100;
  private static final double SMOOTHING = 0.05;

  private final PrintStream out = Streams.err();
  private final boolean terminal = onTerminal();
  private final long steps;
  private final long plainEvery;
  private long before = System.nanoTime();
  private long shown = before - TERMINAL_PERIOD;
  private double tokensPerSecond;
  private double secondsPerStep;
  private double validationLoss = Double.NaN;

  Progress(long steps) {
    this.steps = steps;
    this.plainEvery = Math.max(1, steps / PLAIN_LINES);
  }

  /** Whether someone is watching. */
  @SuppressWarnings("SystemConsoleNull") // NullAway knows the older contract
  static boolean onTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** Shows a step, if it is time. */
  void show(Trainer.Report report) {
    long now = System.nanoTime();
    double seconds = Math.max(1, now - before) / (double) NANOS;
    boolean first = secondsPerStep == 0;
    secondsPerStep = smooth(first, secondsPerStep, seconds);
    tokensPerSecond = smooth(first, tokensPerSecond, report.tokens() / seconds);
    before = now;
    boolean validated = !Double.isNaN(report.validationLoss());
    if (validated) {
      validationLoss = report.validationLoss();
    }
    boolean due = validated || report.stop() || report.step() == 1;
    if (terminal) {
      if (due || now - shown >= TERMINAL_PERIOD) {
        shown = now;
        out.print("\r" + line(report) + "\u001b[K");
        out.flush();
      }
    } else if (due || report.step() % plainEvery == 0) {
      out.println(line(report));
      out.flush();
    }
  }

  /** Goes on to a new line, so that other text does not run into this one. */
  void end() {
    if (terminal) {
      out.println();
    }
    out.flush();
  }

  /** Tokens a second by the last steps. */
  double tokensPerSecond() {
    return tokensPerSecond;
  }

  private String line(Trainer.Report report) {
    String validation =
        Double.isNaN(validationLoss)
            ? ""
            : String.format(Locale.ROOT, "  valid %.4f", validationLoss);
    return String.format(
        Locale.ROOT,
        "step %d/%d  loss %.4f%s  %,.0f tokens/s  %s left",
        report.step(),
        steps,
        report.loss(),
        validation,
        tokensPerSecond,
        time((long) (secondsPerStep * (steps - report.step()))));
  }

  private static double smooth(boolean first, double old, double now) {
    return first ? now : old + SMOOTHING * (now - old);
  }

  private static String time(long seconds) {
    return seconds < 3600
        ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
        : String.format(
            Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }
}
