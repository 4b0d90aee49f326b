package dev.sluice.ops;

import dev.sluice.actors.PipelineStats;
import dev.sluice.stages.flow.TextEvent;
import java.io.PrintStream;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What {@code --stats} prints. */
final class Statistics {
  private Statistics() {}

  /**
   * Prints to standard error.
   *
   * @param run null where another process computed
   * @param kernels what multiplies quantized weights
   * @param loadNanos from the start of the verb until the pipeline was ready
   */
  static void print(
      @Nullable PipelineStats run,
      TextEvent.Finished finished,
      long loadNanos,
      long seed,
      String kernels) {
    PrintStream err = Streams.err();
    err.printf(Locale.ROOT, "load        %.0f ms%n", loadNanos / 1e6);
    err.printf(
        Locale.ROOT,
        "prompt      %d tokens, %.2f tokens/s%n",
        finished.usage().promptTokens(),
        finished.timings().promptTokensPerSecond(finished.usage()));
    err.printf(
        Locale.ROOT,
        "generation  %d tokens, %.2f tokens/s (%s)%n",
        finished.usage().generatedTokens(),
        finished.timings().generatedTokensPerSecond(finished.usage()),
        finished.reason().name().toLowerCase(Locale.ROOT));
    err.printf(
        Locale.ROOT,
        "first token %.1f ms after the request, %.1f ms of them waiting%n",
        finished.timings().timeToFirstTokenNanos() / 1e6,
        finished.timings().queueNanos() / 1e6);
    err.printf(Locale.ROOT, "seed        %d%n", seed);
    if (run == null) {
      return;
    }
    err.printf(Locale.ROOT, "kernels     %s%n", kernels);
    for (PipelineStats.Stage stage : run.stages()) {
      err.printf(
          Locale.ROOT,
          "stage %-3d   layers %s, busy %.1f %%, %d micro-batches, hop p50 %.0f µs, p99 %.0f µs,"
              + " KV %d of %d pages%n",
          stage.stage(),
          stage.range(),
          100 * run.busyShare(stage.stage()),
          stage.frames(),
          stage.hop().quantileNanos(0.5) / 1e3,
          stage.hop().quantileNanos(0.99) / 1e3,
          stage.kv().usedPages(),
          stage.kv().totalPages());
    }
    if (run.stages().size() > 1) {
      err.printf(
          Locale.ROOT,
          "overlap     %.1f %% of the time two stages or more were busy at once%n",
          100 * run.overlapShare(2));
    }
  }
}
