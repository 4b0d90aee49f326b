package dev.sluice.model.kernel.bench;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.kernel.KernelChoice;
import dev.sluice.model.kernel.Matrix;
import dev.sluice.model.kernel.Weights;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.Locale;
import java.util.Random;
import java.util.StringJoiner;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Matrix products with rows of 2,048 columns, the width of a model of 1 B parameters: one token
 * against 64 Ki rows, more than caches hold, so that memory counts (decode), and 64 tokens against
 * 2,048 rows, where arithmetic counts (prefill).
 *
 * <p>{@code MatrixBenchmark [threads [types, separated by commas]]}; the last line is JSON:
 * billions of weights a second for decode, billions of floating-point operations a second (two to a
 * multiply-add) for prefill.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(2)
public class MatrixBenchmark {
  private static final int COLUMNS = 2048;
  private static final int DECODE_ROWS = 1 << 16;
  private static final int PREFILL_ROWS = 2048;
  private static final int TOKENS = 64;

  @Param({"Q8_0", "Q4_0", "Q4_K", "Q6_K", "F16", "F32"})
  private GgmlType type = GgmlType.Q8_0;

  /** Counts only for the types that are packed. */
  @Param({"NATIVE", "JAVA"})
  private KernelChoice kernels = KernelChoice.JAVA;

  @Param("2")
  private int threads = 2;

  private Run run = new Run(GgmlType.F32, KernelChoice.JAVA, 1, 32);

  /** What a trial owns. */
  private static final class Run implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final WorkerPool pool;
    private final Weights matrix;
    private final MemorySegment x;
    private final MemorySegment y;

    Run(GgmlType type, KernelChoice kernels, int threads, int rows) {
      pool = new WorkerPool(threads, kernels);
      Random random = new Random(1);
      MemorySegment data = arena.allocate(type.bytesFor((long) rows * COLUMNS), 64);
      // Any bits do but those of NaN and of subnormal scales, which are slower than others.
      for (long i = 0; i < data.byteSize(); i += Short.BYTES) {
        data.set(ValueLayout.JAVA_SHORT, i, (short) (0x2000 + random.nextInt(0x800)));
      }
      matrix = Matrix.of(type, rows, COLUMNS, data).prepared(arena, pool);
      x = arena.allocate((long) COLUMNS * TOKENS * Float.BYTES, 64);
      y = arena.allocate((long) Math.max(rows, PREFILL_ROWS * TOKENS) * Float.BYTES, 64);
      for (long i = 0; i < (long) COLUMNS * TOKENS; i++) {
        x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
      }
    }

    @Override
    public void close() {
      pool.close();
      arena.close();
    }
  }

  /** Makes the weights. */
  @Setup(Level.Trial)
  public void start() {
    run.close();
    run = new Run(type, kernels, threads, DECODE_ROWS);
  }

  /** Frees them. */
  @TearDown(Level.Trial)
  public void stop() {
    run.close();
  }

  /** One token. */
  @Benchmark
  public void decode() {
    run.matrix.multiply(run.pool, run.x, 0, COLUMNS, 1, run.y, 0, DECODE_ROWS);
  }

  /** Many tokens. */
  @Benchmark
  public void prefill() {
    run.matrix
        .slice(0, PREFILL_ROWS)
        .multiply(run.pool, run.x, 0, COLUMNS, TOKENS, run.y, 0, PREFILL_ROWS);
  }

  /** Runs all of it and ends with a line of JSON. */
  public static void main(String[] args) throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder().include(MatrixBenchmark.class.getName() + "\\..*");
    if (args.length > 0) {
      options.param("threads", args[0]);
    }
    if (args.length > 1) {
      options.param("type", args[1].split(",", -1));
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    StringJoiner json = new StringJoiner(",", "{\"benchmark\":\"matrix\",", "}");
    for (RunResult result : results) {
      double micros = result.getPrimaryResult().getScore();
      boolean decode = result.getPrimaryResult().getLabel().equals("decode");
      double work = decode ? (double) DECODE_ROWS * COLUMNS : 2.0 * PREFILL_ROWS * COLUMNS * TOKENS;
      json.add(
          String.format(
              Locale.ROOT,
              "\"%s %s %s x%s %s\":%.1f",
              result.getPrimaryResult().getLabel(),
              result.getParams().getParam("type"),
              result.getParams().getParam("kernels"),
              result.getParams().getParam("threads"),
              decode ? "Gweights/s" : "GFLOP/s",
              work / micros / 1000));
    }
    System.out.println(json);
  }
}
