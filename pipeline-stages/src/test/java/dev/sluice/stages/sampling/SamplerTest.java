package dev.sluice.stages.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;

class SamplerTest {
  private static final int[] NO_LOG = {};

  private static final SamplingParameters PLAIN =
      SamplingParameters.builder().temperature(1).topK(0).topP(1).minP(0).build();

  @Property
  @Domain(RowArbitraries.class)
  void shouldTakeTheLargestLogitWhenGreedy(@ForAll float[] row) {
    Sampler sampler = new Sampler(row.length);
    assertThat(sample(sampler, row, SamplingParameters.GREEDY)).isTrue();
    int expected = TopKTest.sorted(row).findFirst().orElseThrow();
    assertThat(sampler.token()).isEqualTo(expected);
    assertThat(sampler.logit()).isEqualTo(row[expected]);
    assertThat(sampler.logSumExp())
        .isCloseTo(
            row[expected] - StrictMath.log(TopPTest.probabilities(row)[expected]), within(1e-9));
  }

  @Property
  @Domain(RowArbitraries.class)
  @Domain(DomainContext.Global.class)
  void shouldBecomeGreedyAsTheTemperatureGoesToZero(@ForAll float[] row, @ForAll long seed) {
    Sampler sampler = new Sampler(row.length);
    sample(sampler, row, PLAIN.toBuilder().temperature(1e-30f).seed(seed).build());
    assertThat(row[sampler.token()]).isEqualTo(row[TopKTest.sorted(row).findFirst().orElseThrow()]);
  }

  @Property
  @Domain(RowArbitraries.class)
  @Domain(DomainContext.Global.class)
  void shouldDependOnItsArgumentsAlone(@ForAll float[] row, @ForAll long seed) {
    SamplingParameters parameters = SamplingParameters.builder().seed(seed).topLogprobs(3).build();
    Sampler fresh = new Sampler(row.length);
    Sampler used = new Sampler(row.length);
    Random random = new Random(seed);
    float[] other = new float[row.length];
    for (int i = 0; i < other.length; i++) {
      other[i] = random.nextFloat(-5, 5);
    }
    sample(used, other, PLAIN.toBuilder().topLogprobs(7).build());

    sample(fresh, row, parameters);
    sample(used, row, parameters);

    assertThat(used.token()).isEqualTo(fresh.token());
    assertThat(used.logSumExp()).isEqualTo(fresh.logSumExp());
    assertThat(used.topCount()).isEqualTo(Math.min(3, row.length)).isEqualTo(fresh.topCount());
    int[] expected = TopKTest.sorted(row).limit(3).toArray();
    for (int i = 0; i < used.topCount(); i++) {
      assertThat(used.topToken(i)).isEqualTo(expected[i]);
      assertThat(used.topLogit(i)).isEqualTo(row[expected[i]]);
    }
  }

  @Example
  void shouldDrawFromTheSoftmax() {
    float[] row = {0, 1, 2, -1, 0.5f, 1.5f, -2, 0.25f};
    assertDistribution(row, PLAIN, TopPTest.probabilities(row), 26 + 17);
  }

  @Example
  void shouldDrawFromTheSoftmaxAtATemperature() {
    float[] row = {0, 1, 2, -1, 0.5f, 1.5f, -2, 0.25f};
    float[] divided = row.clone();
    for (int i = 0; i < row.length; i++) {
      divided[i] /= 1.7f;
    }
    assertDistribution(
        row, PLAIN.toBuilder().temperature(1.7f).build(), TopPTest.probabilities(divided), 43);
  }

  @Example
  void shouldTruncateInTheDocumentedOrder() {
    // Bias makes 0 the largest; top-k drops 3; top-p of what is left keeps 0, 1, 2; min-p keeps 0,
    // 1.
    float[] row = {-1, 2, 0.5f, 0.25f};
    SamplingParameters parameters =
        SamplingParameters.builder()
            .logitBias(Map.of(0, 4f))
            .topK(3)
            .topP(0.99f)
            .minP(0.3f)
            .temperature(1)
            .build();
    double share = StrictMath.exp(3) / (StrictMath.exp(3) + StrictMath.exp(2));
    assertDistribution(row, parameters, new double[] {share, 1 - share, 0, 0}, 24);
  }

  private static void assertDistribution(
      float[] row, SamplingParameters parameters, double[] probabilities, double critical) {
    int draws = 40_000;
    int[] counts = new int[row.length];
    Sampler sampler = new Sampler(row.length);
    for (int seed = 0; seed < draws; seed++) {
      sample(sampler, row, parameters.toBuilder().seed(seed).build());
      counts[sampler.token()]++;
    }
    double chiSquare = 0;
    for (int i = 0; i < row.length; i++) {
      double expected = probabilities[i] * draws;
      if (expected == 0) {
        assertThat(counts[i]).isZero();
      } else {
        chiSquare += (counts[i] - expected) * (counts[i] - expected) / expected;
      }
    }
    assertThat(chiSquare).isLessThan(critical);
  }

  @Property
  @Domain(RowArbitraries.class)
  @Domain(DomainContext.Global.class)
  void shouldGiveNoTokenForALogitThatIsNotFinite(
      @ForAll float[] row,
      @ForAll @IntRange(max = 59) int at,
      @ForAll @IntRange(max = 2) int kind) {
    row[at % row.length] =
        switch (kind) {
          case 0 -> Float.NaN;
          case 1 -> Float.POSITIVE_INFINITY;
          default -> Float.NEGATIVE_INFINITY;
        };
    Sampler sampler = new Sampler(row.length);
    assertThat(sample(sampler, row, PLAIN)).isFalse();
    assertThat(sampler.token()).isEqualTo(Sampler.NO_TOKEN);
    assertThat(sample(sampler, row, SamplingParameters.GREEDY)).isFalse();
    assertThat(sampler.score(MemorySegment.ofArray(row), 0, 0, 1)).isFalse();
  }

  @Example
  void shouldNotChooseBannedTokens() {
    float[] row = {5, 1, 2};
    float never = Float.NEGATIVE_INFINITY;
    Sampler sampler = new Sampler(3);
    SamplingParameters two = PLAIN.toBuilder().logitBias(Map.of(0, never, 2, never)).build();
    for (int seed = 0; seed < 50; seed++) {
      assertThat(sample(sampler, row, two.toBuilder().seed(seed).build())).isTrue();
      assertThat(sampler.token()).isEqualTo(1);
    }
    SamplingParameters all =
        PLAIN.toBuilder().logitBias(Map.of(0, never, 1, never, 2, never)).build();
    assertThat(sample(sampler, row, all)).isFalse();
    assertThat(sample(sampler, row, all.toBuilder().topK(2).build())).isFalse();
    assertThat(sample(sampler, row, all.toBuilder().temperature(0).build())).isFalse();
  }

  @Example
  void shouldTellTheRawLogitOfAPenalizedToken() {
    float[] row = {4, 3};
    Sampler sampler = new Sampler(2);
    SamplingParameters parameters =
        SamplingParameters.GREEDY.toBuilder().presencePenalty(2).build();
    assertThat(sampler.sample(MemorySegment.ofArray(row), 0, parameters, new int[] {0}, 1, null))
        .isTrue();
    assertThat(sampler.token()).isEqualTo(1);
    assertThat(sampler.logit()).isEqualTo(3);
  }

  @Example
  void shouldScoreAKnownToken() {
    float[] row = {0, 1, 2, 0};
    Sampler sampler = new Sampler(2);
    assertThat(sampler.score(MemorySegment.ofArray(row), 8, 1, 5)).isTrue();
    assertThat(sampler.logit()).isZero();
    assertThat(sampler.token()).isEqualTo(1);
    assertThat(sampler.topCount()).isEqualTo(2);
    assertThat(sampler.topToken(0)).isZero();
    assertThat(sampler.logSumExp()).isCloseTo(StrictMath.log(StrictMath.exp(2) + 1), within(1e-12));
  }

  @Example
  void shouldAllocateNothingPerToken() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int vocabulary = 4_096;
    Random random = new Random(1);
    float[] row = new float[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      row[i] = random.nextFloat(-8, 8);
    }
    MemorySegment memory = MemorySegment.ofArray(row);
    int[] log = random.ints(100, 0, vocabulary).toArray();
    SamplingParameters parameters =
        SamplingParameters.builder()
            .repetitionPenalty(1.1f)
            .topLogprobs(5)
            .logitBias(Map.of(7, 1f))
            .build();
    SamplingParameters untruncated = PLAIN.toBuilder().topP(0.9f).build();
    Sampler sampler = new Sampler(vocabulary);
    long least = Long.MAX_VALUE;
    // Until the compiler has come to it, interpreted code may allocate.
    for (int round = 0; round < 2_000 && least > 0; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 20; i++) {
        sampler.sample(memory, 0, parameters, log, log.length, null);
        sampler.sample(memory, 0, untruncated, log, log.length, null);
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertThat(least).isZero();
  }

  private static boolean sample(Sampler sampler, float[] row, SamplingParameters parameters) {
    return sampler.sample(MemorySegment.ofArray(row), 0, parameters, NO_LOG, 0, null);
  }
}
