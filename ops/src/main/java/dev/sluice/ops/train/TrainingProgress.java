package dev.sluice.ops.train;

import dev.sluice.model.training.Trainer;
import dev.sluice.ops.Progress;
import dev.sluice.ops.Streams;
import java.io.PrintStream;
import java.util.Locale;

/**
 * How far a training is: a line that is written over on a terminal, else a line every hundredth of
 * the way. On standard error.
 */
final class TrainingProgress implements AutoCloseable {
  private static final double NANOS = 1e9;
  private static final int PLAIN_LINES = 100;
  private static final double SMOOTHING = 0.05;

  private final PrintStream out = Streams.err();
  private final Progress terminal = new Progress();
  private final long steps;
  private final long plainEvery;
  private long before = System.nanoTime();
  private long seen;
  private double tokensPerStep;
  private double secondsPerStep;
  private double validationLoss = Double.NaN;

  TrainingProgress(long steps) {
    this.steps = steps;
    this.plainEvery = Math.max(1, steps / PLAIN_LINES);
  }

  /** Shows a step, if it is time. */
  void show(Trainer.Report report) {
    long now = System.nanoTime();
    double seconds = Math.max(1, now - before) / NANOS;
    seen++;
    secondsPerStep = smooth(secondsPerStep, seconds);
    tokensPerStep = smooth(tokensPerStep, report.tokens());
    before = now;
    boolean validated = !Double.isNaN(report.validationLoss());
    if (validated) {
      validationLoss = report.validationLoss();
    }
    if (terminal.onTerminal()) {
      terminal.say(() -> line(report));
    } else if (validated || report.stop() || report.step() % plainEvery == 0) {
      out.println(line(report));
      out.flush();
    }
  }

  /** Clears the line, so that what follows does not run into it. */
  void end() {
    terminal.close();
  }

  @Override
  public void close() {
    end();
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
        tokensPerStep / secondsPerStep,
        time((long) (secondsPerStep * (steps - report.step()))));
  }

  /** The mean of the first values, then one that forgets the oldest. */
  private double smooth(double old, double now) {
    return old + Math.max(SMOOTHING, 1.0 / seen) * (now - old);
  }

  private static String time(long seconds) {
    return seconds < 3600
        ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
        : String.format(
            Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }
}
