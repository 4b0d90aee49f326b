package dev.sluice.model.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The backward pass of every layer against central differences of the forward pass, in double
 * precision; and single precision against double precision, on the same layers.
 */
class GradientCheckTest {
  private static final int BATCH = 80;
  private static final double STEP = 1e-5;
  private static final double TOLERANCE = 1e-6;

  record Case(String name, ModelShape shape, double dropout, @Nullable LoraOptions lora) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static ModelShape shape(
      int heads, int kvHeads, PositionEncoding positions, FeedForward activation, boolean tied) {
    return new ModelShape(
        13, 8, 2, heads, kvHeads, 10, 80, positions, activation, 100f, 1e-5f, tied);
  }

  static Stream<Case> cases() {
    ModelShape usual = shape(4, 2, PositionEncoding.ROPE, FeedForward.SWIGLU, true);
    return Stream.of(
        new Case("grouped queries, rope, swiglu, tied", usual, 0, null),
        new Case(
            "one head, rope, gelu, untied",
            shape(1, 1, PositionEncoding.ROPE, FeedForward.GELU, false),
            0,
            null),
        new Case(
            "all heads, sine waves, swiglu, untied",
            shape(4, 4, PositionEncoding.SINUSOIDAL, FeedForward.SWIGLU, false),
            0,
            null),
        new Case(
            "sine waves, gelu, tied",
            shape(2, 1, PositionEncoding.SINUSOIDAL, FeedForward.GELU, true),
            0,
            null),
        new Case("dropout", usual, 0.3, null),
        new Case(
            "low-rank adapters",
            usual,
            0,
            new LoraOptions(3, 5, Set.of("attn_q", "attn_v", "attn_output", "ffn_up", "ffn_down"))),
        new Case("low-rank adapters of all", usual, 0, new LoraOptions(2, 2, LoraOptions.TARGETS)));
  }

  /** Documents that share a batch; one is longer than a block of attention's rows. */
  private static Batch batch(Random random, ModelShape shape) {
    TokenDataset.Builder builder = TokenDataset.builder(shape.vocabulary());
    int[] lengths = {2, 68, 7};
    for (int length : lengths) {
      int[] ids = random.ints(length, 0, shape.vocabulary()).toArray();
      boolean[] learnt = new boolean[length];
      for (int i = 0; i < length; i++) {
        learnt[i] = random.nextInt(4) > 0;
      }
      builder.add(ids, learnt);
    }
    Batch batch = new Batch(BATCH);
    BatchReader.once(builder.build(), shape.context()).next(batch);
    assertThat(batch.pieces()).isEqualTo(lengths.length);
    return batch;
  }

  private static LanguageModel model(Compute compute, Case of, Random random) {
    LanguageModel model =
        new LanguageModel(compute, of.shape, BATCH, of.shape.context(), of.dropout, 7, of.lora);
    for (Parameter parameter : model.parameters()) {
      boolean norm = parameter.rows() == 1;
      for (long i = 0; i < parameter.size(); i++) {
        double value = (norm ? 1 : 0) + random.nextGaussian() * 0.5;
        compute.numerics().set(parameter.value(), i, value);
      }
    }
    return model;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldGiveTheGradientOfEveryTensor(Case of) {
    long seed = 20_261_123;
    Random random = new Random(seed);
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool(2)) {
      Compute compute = new Compute(new DoubleNumerics(of.shape), pool, arena);
      LanguageModel model = model(compute, of, random);
      Batch batch = batch(random, of.shape);
      double factor = 1.0 / batch.learntTokens();
      model.learn(batch, factor, 3);
      List<String> learning = new ArrayList<>();
      for (Parameter parameter : model.parameters()) {
        if (parameter.learns()) {
          learning.add(parameter.name());
          check(compute, model, parameter, batch, factor, random, seed);
          model.parameters().forEach(each -> each.gradient().fill((byte) 0));
          model.learn(batch, factor, 3);
        }
      }
      assertThat(learning).hasSizeGreaterThan(8);
    }
  }

  private static void check(
      Compute compute,
      LanguageModel model,
      Parameter parameter,
      Batch batch,
      double factor,
      Random random,
      long seed) {
    Numerics numerics = compute.numerics();
    double[] gradient = new double[(int) parameter.size()];
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] = numerics.get(parameter.gradient(), i);
    }
    double difference = 0;
    double norm = 0;
    int checks = Math.min(24, gradient.length);
    for (int n = 0; n < checks; n++) {
      int i = random.nextInt(gradient.length);
      double value = numerics.get(parameter.value(), i);
      numerics.set(parameter.value(), i, value + STEP);
      double above = model.learn(batch, factor, 3) * factor;
      numerics.set(parameter.value(), i, value - STEP);
      double below = model.learn(batch, factor, 3) * factor;
      numerics.set(parameter.value(), i, value);
      double slope = (above - below) / (2 * STEP);
      difference += (slope - gradient[i]) * (slope - gradient[i]);
      norm += slope * slope;
    }
    assertThat(Math.sqrt(difference))
        .as("error of the gradient of %s, norm %s, seed %d", parameter.name(), norm, seed)
        .isLessThan(TOLERANCE * Math.sqrt(norm) + 1e-12);
    assertThat(norm).as("the gradient of %s, seed %d", parameter.name(), seed).isPositive();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldComputeInSinglePrecisionWhatDoublePrecisionSays(Case of) {
    long seed = 41;
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool(2)) {
      Compute exact = new Compute(new DoubleNumerics(of.shape), pool, arena);
      Compute fast = new Compute(new SingleNumerics(of.shape, arena), pool, arena);
      LanguageModel expected = model(exact, of, new Random(seed));
      LanguageModel actual = model(fast, of, new Random(seed));
      Batch batch = batch(new Random(seed + 1), of.shape);
      double loss = expected.learn(batch, 0.1, 5);
      assertThat(actual.learn(batch, 0.1, 5)).as("seed %d", seed).isCloseTo(loss, near(loss));
      for (int p = 0; p < actual.parameters().size(); p++) {
        Parameter right = expected.parameters().get(p);
        Parameter is = actual.parameters().get(p);
        double difference = 0;
        double norm = 0;
        for (long i = 0; is.learns() && i < is.size(); i++) {
          double e = exact.numerics().get(right.gradient(), i);
          double d = fast.numerics().get(is.gradient(), i) - e;
          difference += d * d;
          norm += e * e;
        }
        assertThat(Math.sqrt(difference))
            .as("%s, seed %d", is.name(), seed)
            .isLessThanOrEqualTo(2e-5 * Math.sqrt(norm));
      }
    }
  }

  private static org.assertj.core.data.Offset<Double> near(double value) {
    return org.assertj.core.data.Offset.offset(1e-5 * Math.abs(value));
  }

  @Test
  void shouldGiveTheSameBitsWithAnyNumberOfThreads() {
    Case of = cases().findFirst().orElseThrow();
    List<List<Double>> gradients = new ArrayList<>();
    for (int threads : new int[] {1, 2, 5}) {
      try (Arena arena = Arena.ofShared();
          WorkerPool pool = new WorkerPool(threads)) {
        Compute compute = new Compute(new SingleNumerics(of.shape, arena), pool, arena);
        LanguageModel model = model(compute, of, new Random(3));
        List<Double> bits = new ArrayList<>();
        bits.add(model.learn(batch(new Random(4), of.shape), 1, 0));
        for (Parameter parameter : model.parameters()) {
          for (long i = 0; i < parameter.size(); i++) {
            bits.add(compute.numerics().get(parameter.gradient(), i));
          }
        }
        gradients.add(bits);
      }
    }
    assertThat(gradients.get(1)).isEqualTo(gradients.get(0));
    assertThat(gradients.get(2)).isEqualTo(gradients.get(0));
  }
}
