package dev.sluice.actors.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

final class CoordinationTest {
  private final SimulatedNodes cluster = new SimulatedNodes(3);

  private void form() {
    cluster.pass(Duration.ofSeconds(3));
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
  }

  private EpochPlan plan() {
    return Objects.requireNonNull(cluster.coordination.plan());
  }

  @Test
  void shouldBuildAPipelineOverAllNodesWhenNoMoreJoin() {
    form();
    assertThat(plan().epoch()).isEqualTo(1);
    assertThat(plan().stages()).hasSize(3);
    assertThat(cluster.node(0).hasHead).isTrue();
    assertThat(cluster.node(0).attached).isNotNull();
  }

  @Test
  void shouldBuildTheNextEpochAtOnceWithoutANodeThatDoesNotAnswer() {
    form();
    cluster.node(1).deaf = true;
    cluster.coordination.unreachable(cluster.node(1).id);
    cluster.settle();
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
    assertThat(plan().epoch()).isEqualTo(2);
    assertThat(plan().stages()).hasSize(2);
    assertThat(cluster.node(0).heads).as("the scheduler lives on").isEqualTo(1);
  }

  @Test
  void shouldMakeAnotherHeadWhenTheHeadIsLost() {
    form();
    cluster.node(0).deaf = true;
    cluster.coordination.unreachable(cluster.node(0).id);
    cluster.settle();
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
    assertThat(cluster.coordination.state().head()).isEqualTo(cluster.node(1).id);
    // It wakes up, and is told that it is no head any more.
    cluster.node(0).deaf = false;
    cluster.coordination.reachable(cluster.node(0).id);
    cluster.settle();
    assertThat(cluster.node(0).hasHead).isFalse();
  }

  @Test
  void shouldWaitForNodesWhenNoPlacementFitsAndHealByItself() {
    form();
    cluster.coordination.unreachable(cluster.node(1).id);
    cluster.node(2).deaf = true;
    cluster.coordination.unreachable(cluster.node(2).id);
    cluster.settle();
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.UNAVAILABLE);
    assertThat(cluster.coordination.state().reason()).contains("two nodes are needed");
    assertThat(cluster.coordination.state().head()).as("it keeps the logs").isNotNull();
    cluster.coordination.reachable(cluster.node(1).id);
    cluster.settle();
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
    assertThat(cluster.node(0).heads).isEqualTo(1);
  }

  @Test
  void shouldAdoptAPipelineThatRuns() {
    form();
    EpochPlan before = plan();
    cluster.coordination = cluster.coordinator();
    cluster.nodes.keySet().forEach(cluster.coordination::joined);
    cluster.settle();
    cluster.pass(Duration.ofSeconds(5));
    assertThat(plan()).isEqualTo(before);
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
  }

  @Test
  void shouldBuildAHigherEpochWhenWhatRanHasLostAPart() {
    form();
    cluster.node(2).deaf = true;
    cluster.coordination = cluster.coordinator();
    for (int i = 0; i < 3; i++) {
      cluster.coordination.joined(cluster.node(i).id);
    }
    cluster.coordination.unreachable(cluster.node(2).id);
    cluster.settle();
    cluster.pass(Duration.ofSeconds(1));
    assertThat(plan().epoch()).isGreaterThan(1);
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
    assertThat(cluster.node(0).heads).as("its sequences live on").isEqualTo(1);
  }

  @Test
  void shouldRelieveANodeThatWantsToLeave() {
    form();
    cluster.node(0).duties.leave();
    cluster.settle();
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
    assertThat(plan().uses(cluster.node(0).id)).isFalse();
    assertThat(cluster.node(0).duties.relieved()).isTrue();
  }

  @Test
  void shouldMoveNothingForANewMeasurement() {
    form();
    EpochPlan before = plan();
    cluster.node(1).roundTrips = Map.of("node0", 3_000_000_000L);
    cluster.pass(Duration.ofSeconds(20));
    assertThat(plan()).isSameAs(before);
    assertThat(cluster.coordination.reports().get(1).resources().offer().roundTripNanos())
        .isEqualTo(cluster.node(1).roundTrips);
    assertThat(cluster.coordination.rebalance()).contains("as well as they can already");
  }

  @Test
  void shouldMoveLayersToANodeThatHasJoinedWhenItIsRebalanced() {
    form();
    cluster.add(3, 0);
    cluster.pass(Duration.ofSeconds(20));
    assertThat(plan().epoch()).as("joining alone moves nothing").isEqualTo(1);
    assertThat(cluster.coordination.rebalance()).contains("epoch 2");
    cluster.settle();
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
    assertThat(plan().stages()).hasSize(4);
    assertThat(cluster.node(0).heads).as("the scheduler lives on").isEqualTo(1);
  }

  @Test
  void shouldLeaveOutANodeThatCannotLoadForAWhile() {
    cluster.node(1).broken = true;
    cluster.pass(Duration.ofSeconds(3));
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
    assertThat(plan().uses(cluster.node(1).id)).isFalse();
  }

  @Test
  void shouldTakeNoNoticeOfOrdersOfOldEpochs() {
    form();
    NodeOrder old = new NodeOrder(0, null, null, "", null);
    cluster.node(0).duties.order(old);
    assertThat(cluster.node(0).hasHead).isTrue();
    assertThat(cluster.node(0).duties.epoch()).isEqualTo(1);
  }
}
