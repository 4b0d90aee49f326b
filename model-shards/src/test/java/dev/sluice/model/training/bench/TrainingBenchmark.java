package dev.sluice.model.training.bench;

import dev.sluice.model.kernel.Gemm;
import dev.sluice.model.kernel.MatrixView;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.training.FeedForward;
import dev.sluice.model.training.ModelShape;
import dev.sluice.model.training.PositionEncoding;
import dev.sluice.model.training.TokenDataset;
import dev.sluice.model.training.Trainer;
import dev.sluice.model.training.TrainingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Training steps of a model of about 1 M parameters against the matrix products that a step is made
 * of, done alone: by the project's own kernel and by ND4J, in turn within each round, so that the
 * ratios mean something on a noisy machine.
 *
 * <p>{@code TrainingBenchmark [threads [rounds]]}; prints medians, and one line of JSON at the end.
 * Rates count the products of weights only (forward, and twice backward), not attention's.
 */
public final class TrainingBenchmark {
  private static final int TOKENS = 4096;
  private static final int SEQUENCE = 128;
  private static final ModelShape SHAPE =
      new ModelShape(
          1024,
          128,
          5,
          4,
          2,
          352,
          SEQUENCE,
          PositionEncoding.ROPE,
          FeedForward.SWIGLU,
          10_000,
          1e-5f,
          true);

  private TrainingBenchmark() {}

  /** A product of {@code rows x depth} and {@code depth x columns}, and what it is in a step. */
  private record Product(int rows, int depth, int columns, boolean flipLeft, boolean flipRight) {
    double operations() {
      return 2.0 * rows * depth * columns;
    }
  }

  private static List<Product> products() {
    List<Product> all = new ArrayList<>();
    for (int layer = 0; layer < SHAPE.layers(); layer++) {
      linear(all, SHAPE.width(), SHAPE.width());
      linear(all, SHAPE.keysLength(), SHAPE.width());
      linear(all, SHAPE.keysLength(), SHAPE.width());
      linear(all, SHAPE.width(), SHAPE.width());
      linear(all, SHAPE.feedForward(), SHAPE.width());
      linear(all, SHAPE.feedForward(), SHAPE.width());
      linear(all, SHAPE.width(), SHAPE.feedForward());
    }
    linear(all, SHAPE.vocabulary(), SHAPE.width());
    return all;
  }

  private static void linear(List<Product> all, int outputs, int inputs) {
    all.add(new Product(TOKENS, inputs, outputs, false, true));
    all.add(new Product(TOKENS, outputs, inputs, false, false));
    all.add(new Product(outputs, TOKENS, inputs, true, false));
  }

  /** Runs the benchmark. */
  public static void main(String[] args) {
    int threads = args.length > 0 ? Integer.parseInt(args[0]) : 2;
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 7;
    List<Product> products = products();
    double operations = products.stream().mapToDouble(Product::operations).sum();
    double[] step = new double[rounds];
    double[] own = new double[rounds];
    double[] nd4j = new double[rounds];
    TrainingOptions options =
        TrainingOptions.builder()
            .steps(1_000_000)
            .batchTokens(TOKENS)
            .sequenceLength(SEQUENCE)
            .threads(threads)
            .build();
    TokenDataset text = text();
    try (Arena arena = Arena.ofShared();
        Trainer trainer =
            Trainer.create(SHAPE, options, text, TokenDataset.builder(SHAPE.vocabulary()).build());
        WorkerPool pool = new WorkerPool(threads)) {
      List<Operands> operands = products.stream().map(p -> Operands.of(arena, p)).toList();
      List<Library> arrays = products.stream().map(Library::of).toList();
      for (int round = -2; round < rounds; round++) {
        double steps = seconds(() -> trainer.advance());
        double plain =
            seconds(
                () -> operands.forEach(o -> Gemm.multiply(pool, o.left, o.right, o.result, false)));
        double library = seconds(() -> arrays.forEach(Library::multiply));
        if (round >= 0) {
          step[round] = steps;
          own[round] = plain;
          nd4j[round] = library;
        }
      }
      report(trainer, threads, operations, median(step), median(own), median(nd4j));
    }
  }

  private static TokenDataset text() {
    Random random = new Random(1);
    TokenDataset.Builder builder = TokenDataset.builder(SHAPE.vocabulary());
    for (int i = 0; i < 256; i++) {
      builder.add(random.ints(SEQUENCE + 1, 0, SHAPE.vocabulary()).toArray(), null);
    }
    return builder.build();
  }

  /** The mean time of some repetitions. */
  private static double seconds(Runnable work) {
    int repetitions = 8;
    long start = System.nanoTime();
    for (int i = 0; i < repetitions; i++) {
      work.run();
    }
    return (System.nanoTime() - start) / 1e9 / repetitions;
  }

  /** Matrices of zeros in the shape of a product, off-heap. */
  private record Operands(MatrixView left, MatrixView right, MatrixView result) {
    static Operands of(Arena arena, Product p) {
      MatrixView left = view(arena, p.rows, p.depth, p.flipLeft);
      MatrixView right = view(arena, p.depth, p.columns, p.flipRight);
      return new Operands(left, right, view(arena, p.rows, p.columns, false));
    }

    private static MatrixView view(Arena arena, int rows, int columns, boolean flip) {
      MemorySegment data = arena.allocate((long) rows * columns * Float.BYTES, 64);
      return flip
          ? MatrixView.of(data, columns, rows).transposed()
          : MatrixView.of(data, rows, columns);
    }
  }

  /** As {@link Operands}, as ND4J wants them: its products give columns one after another. */
  private record Library(Product product, INDArray left, INDArray right, INDArray result) {
    static Library of(Product p) {
      INDArray left =
          Nd4j.zeros(DataType.FLOAT, p.flipLeft ? p.depth : p.rows, p.flipLeft ? p.rows : p.depth);
      INDArray right =
          Nd4j.zeros(
              DataType.FLOAT, p.flipRight ? p.columns : p.depth, p.flipRight ? p.depth : p.columns);
      INDArray result =
          Nd4j.createUninitialized(DataType.FLOAT, new long[] {p.rows, p.columns}, 'f');
      return new Library(p, left, right, result);
    }

    void multiply() {
      INDArray _ = Nd4j.gemm(left, right, result, product.flipLeft, product.flipRight, 1, 0);
    }
  }

  private static double median(double[] values) {
    return java.util.Arrays.stream(values).sorted().toArray()[values.length / 2];
  }

  private static void report(
      Trainer trainer, int threads, double operations, double step, double own, double nd4j) {
    double tokens = TOKENS / step;
    double achieved = operations / step / 1e9;
    double plain = operations / own / 1e9;
    double library = operations / nd4j / 1e9;
    System.out.printf(
        Locale.ROOT,
        "%,d parameters, %d threads, %.0f MiB: %,.0f tokens/s%n",
        SHAPE.parameters(),
        threads,
        trainer.memoryBytes() / (double) (1 << 20),
        tokens);
    System.out.printf(
        Locale.ROOT,
        "weights' products within a step %.1f GFLOP/s; alone %.1f (%.0f %%); by ND4J %.1f (%.0f"
            + " %%)%n",
        achieved,
        plain,
        100 * achieved / plain,
        library,
        100 * achieved / library);
    System.out.printf(
        Locale.ROOT,
        "{\"parameters\":%d,\"threads\":%d,\"tokens_per_s\":%.0f,\"step_gflops\":%.1f,"
            + "\"product_gflops\":%.1f,\"nd4j_gflops\":%.1f}%n",
        SHAPE.parameters(),
        threads,
        tokens,
        achieved,
        plain,
        library);
  }
}
