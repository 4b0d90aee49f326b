package dev.sluice.actors.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Three nodes run a pipeline; a fourth one, which has no weights yet, is to get a part. */
final class PlannedMoveTest {
  private final SimulatedNodes cluster = new SimulatedNodes(3);

  @BeforeEach
  void form() {
    cluster.pass(Duration.ofSeconds(3));
    NodeId fourth = cluster.add(3, 0).id;
    cluster.lacking.add(fourth);
    cluster.pass(Duration.ofSeconds(1));
    assertEpoch(1);
  }

  private void assertEpoch(int epoch) {
    assertThat(cluster.status()).isEqualTo(PipelineState.Status.SERVING);
    assertThat(plan().epoch()).isEqualTo(epoch);
  }

  private EpochPlan plan() {
    return Objects.requireNonNull(cluster.coordination.plan());
  }

  @Test
  void shouldRunOnUntilTheWeightsAreWhereTheyWillBeNeeded() {
    assertThat(cluster.coordination.rebalance())
        .startsWith("the layers move when " + cluster.node(3).id + " has fetched layers 3");
    cluster.pass(Duration.ofSeconds(20));
    assertEpoch(1);
    assertThat(cluster.coordination.state().reason()).contains("has fetched layers 3");
    assertThat(cluster.fetches).extracting(StagePlace::node).containsExactly(cluster.node(3).id);

    cluster.lacking.clear();
    cluster.pass(Duration.ofSeconds(1));
    assertEpoch(2);
    assertThat(plan().stages()).hasSize(4);
    assertThat(cluster.coordination.state().reason()).isEmpty();
    assertThat(cluster.node(0).heads).as("the scheduler lives on").isEqualTo(1);
  }

  @Test
  void shouldKeepANodeThatLeavesUntilAnotherCanTakeItsPart() {
    cluster.node(1).duties.leave();
    cluster.pass(Duration.ofSeconds(20));
    assertEpoch(1);
    assertThat(cluster.node(1).duties.relieved()).isFalse();

    cluster.lacking.clear();
    cluster.pass(Duration.ofSeconds(1));
    assertEpoch(2);
    assertThat(cluster.node(1).duties.relieved()).isTrue();
    assertThat(plan().uses(cluster.node(3).id)).isTrue();
  }

  @Test
  void shouldPlanAnewWhenOneThatWasToGetAPartLeavesToo() {
    cluster.node(1).duties.leave();
    cluster.pass(Duration.ofSeconds(1));
    cluster.node(3).duties.leave();
    cluster.pass(Duration.ofSeconds(1));
    assertEpoch(2);
    assertThat(plan().stages()).hasSize(2);
    assertThat(cluster.node(1).duties.relieved()).isTrue();
    assertThat(cluster.node(3).duties.relieved()).isTrue();
  }

  @Test
  void shouldMoveNothingToANodeThatCannotFetch() {
    cluster.coordination.rebalance();
    cluster.coordination.cannotFetch(cluster.node(3).id, "its disk is full");
    cluster.lacking.clear();
    cluster.pass(Duration.ofSeconds(5));
    assertEpoch(1);
    assertThat(cluster.log).anyMatch(line -> line.contains("its disk is full"));
    assertThat(cluster.coordination.state().reason()).isEmpty();

    cluster.node(1).duties.leave();
    cluster.settle();
    assertEpoch(2);
    assertThat(plan().stages()).as("it gets nothing for a while").hasSize(2);
  }

  @Test
  void shouldGiveUpAMoveToANodeThatIsLost() {
    cluster.coordination.rebalance();
    cluster.node(3).deaf = true;
    cluster.coordination.unreachable(cluster.node(3).id);
    cluster.pass(Duration.ofSeconds(5));
    assertEpoch(1);
    assertThat(cluster.coordination.state().reason()).isEmpty();
  }

  @Test
  void shouldForgetAMoveWhenTheEpochIsLost() {
    cluster.coordination.rebalance();
    cluster.node(2).deaf = true;
    cluster.coordination.unreachable(cluster.node(2).id);
    cluster.pass(Duration.ofSeconds(5));
    assertEpoch(2);
    assertThat(plan().uses(cluster.node(3).id)).isTrue();
  }

  @Test
  void shouldNotWaitForWeightsForEver() {
    cluster.coordination.rebalance();
    cluster.pass(Duration.ofSeconds(61));
    assertEpoch(2);
  }
}
