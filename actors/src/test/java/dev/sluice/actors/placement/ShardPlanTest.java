package dev.sluice.actors.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.cache.KvType;
import dev.sluice.model.shard.LayerRange;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

/** The plan against all contiguous splits, tried one by one. */
final class ShardPlanTest {
  private static final MemoryNeeds NEEDS = new MemoryNeeds(100, KvType.F32, 8, 4);

  @Test
  void shouldCoverTwentyTwoLayersOverFourStages() {
    ShardPlan plan = ShardPlan.of(uniform(22, 1000, 0), 4, MemoryNeeds.WEIGHTS_ONLY);

    assertCovers(plan, 22, 4);
    assertThat(plan.ranges()).allMatch(r -> r.size() == 5 || r.size() == 6);
    assertThat(plan.why()).contains("22 layers over 4 stages");
  }

  @Test
  void shouldGiveFewerLayersToTheStageWithTheHead() {
    ShardPlan plan = ShardPlan.of(uniform(22, 1000, 3000), 4, MemoryNeeds.WEIGHTS_ONLY);

    assertCovers(plan, 22, 4);
    // 25 units of cost over four stages: none has more than 7, and the head counts for 3.
    assertThat(plan.ranges().getLast().size()).isLessThanOrEqualTo(4);
    assertThat(plan.stages()).allMatch(s -> s.costShare() < 7.1 / 25);
  }

  @Test
  void shouldRefuseMoreStagesThanLayers() {
    ModelCosts model = uniform(3, 10, 1);
    assertThatThrownBy(() -> ShardPlan.of(model, 4, NEEDS))
        .isInstanceOf(PlacementException.class)
        .hasMessageContaining("4 stages are more than the model's 3 layers");
    assertThatThrownBy(() -> ShardPlan.of(model, 0, NEEDS)).isInstanceOf(PlacementException.class);
  }

  @Test
  void shouldCountTiedHeadOnceWhereOneStageHoldsBoth() {
    ModelCosts model =
        new ModelCosts(
            new long[] {10, 10},
            new long[] {10, 10},
            new long[] {1, 1},
            100,
            1,
            105,
            100,
            7,
            100,
            4,
            25);
    assertThat(model.weightBytes(0, 2)).isEqualTo(10 + 10 + 7 + 100 + 5);
    assertThat(model.weightBytes(0, 1)).isEqualTo(10 + 7 + 100);
    assertThat(model.weightBytes(1, 2)).isEqualTo(10 + 7 + 105);
    ShardPlan plan = ShardPlan.of(model, 2, NEEDS);
    assertThat(plan.stages()).allMatch(StagePlan::embedding);
  }

  @Property(tries = 300)
  void shouldMinimizeTheSlowestStage(
      @ForAll @IntRange(min = 1, max = 9) int layers,
      @ForAll @IntRange(min = 1, max = 9) int stages,
      @ForAll @LongRange(min = 0, max = Long.MAX_VALUE) long seed) {
    ModelCosts model = random(layers, new Random(seed));
    if (stages > layers) {
      assertThatThrownBy(() -> ShardPlan.of(model, stages, NEEDS))
          .isInstanceOf(PlacementException.class);
      return;
    }
    ShardPlan plan = ShardPlan.of(model, stages, NEEDS);

    assertCovers(plan, layers, stages);
    assertThat(slowest(model, cuts(plan))).isEqualTo(bestOfAll(model, stages));
    assertThat(plan.stages().stream().mapToDouble(StagePlan::costShare).sum())
        .isBetween(0.999, 1.001);
    assertThat(plan.ranges()).isEqualTo(ShardPlan.of(model, stages, NEEDS).ranges());
  }

  private static void assertCovers(ShardPlan plan, int layers, int stages) {
    assertThat(plan.stages()).hasSize(stages);
    int next = 0;
    for (StagePlan stage : plan.stages()) {
      LayerRange range = stage.range();
      assertThat(range.first()).isEqualTo(next);
      assertThat(range.size()).isPositive();
      next = range.end();
    }
    assertThat(next).isEqualTo(layers);
    assertThat(plan.stages().getFirst().embedding()).isTrue();
    assertThat(plan.stages().getLast().head()).isTrue();
  }

  private static int[] cuts(ShardPlan plan) {
    int[] cuts = new int[plan.stages().size() + 1];
    for (StagePlan stage : plan.stages()) {
      cuts[stage.stage() + 1] = stage.range().end();
    }
    return cuts;
  }

  private static long slowest(ModelCosts model, int[] cuts) {
    long[] costs = model.relativeCosts();
    long worst = 0;
    for (int i = 1; i < cuts.length; i++) {
      worst = Math.max(worst, Arrays.stream(costs, cuts[i - 1], cuts[i]).sum());
    }
    return worst;
  }

  /** The smallest slowest stage of all splits. */
  private static long bestOfAll(ModelCosts model, int stages) {
    return search(model, stages, new int[stages + 1], 1);
  }

  private static long search(ModelCosts model, int stages, int[] cuts, int at) {
    if (at == stages) {
      cuts[stages] = model.layers();
      return cuts[stages] > cuts[stages - 1] ? slowest(model, cuts) : Long.MAX_VALUE;
    }
    long best = Long.MAX_VALUE;
    for (int cut = cuts[at - 1] + 1; cut < model.layers(); cut++) {
      cuts[at] = cut;
      best = Math.min(best, search(model, stages, cuts, at + 1));
    }
    return best;
  }

  private static ModelCosts uniform(int layers, long layer, long head) {
    long[] costs = new long[layers];
    Arrays.fill(costs, layer);
    return new ModelCosts(costs, costs, new long[layers], 0, 0, head, head, 0, 0, 16, 32);
  }

  private static ModelCosts random(int layers, Random random) {
    long embedding = random.nextInt(5000);
    boolean tied = random.nextBoolean();
    long head = tied ? embedding + 10 : random.nextInt(5000);
    return new ModelCosts(
        random.longs(layers, 1, 3000).toArray(),
        random.longs(layers, 1, 3000).toArray(),
        random.longs(layers, 0, 4).toArray(),
        embedding,
        embedding / 32,
        head,
        random.nextInt(6000),
        random.nextInt(20),
        tied ? embedding : 0,
        4,
        8);
  }
}
