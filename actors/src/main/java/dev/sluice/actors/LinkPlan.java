package dev.sluice.actors;

import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.kept.KeptSlot;
import dev.sluice.transport.LinkAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the links of a pipeline go: link i leads to stage i, the one after the last stage's back to
 * the head. Every epoch has streams of its own.
 *
 * @param shared whether stages of one node are joined by shared memory; else by UDP too
 * @param base added to stream ids, to keep apart those who share a media driver
 */
public record LinkPlan(boolean shared, int base) {
  private static final int FIRST_STREAM = 1001;

  /** The first stream of copied keys and values: behind one more than the most stages. */
  private static final int REPLICAS = 1025;

  /** Streams of an epoch: for copies, two for each of the stages that can keep anything. */
  private static final int STRIDE = REPLICAS + 2 * (KeptSlot.MOST_STAGES + 1);

  private static final int EPOCHS = 1 << 20;

  LinkAddress link(EpochPlan plan, int i) {
    List<StagePlace> stages = plan.stages();
    NodeId from = i == 0 ? plan.head() : stages.get(i - 1).node();
    StagePlace to = stages.get(i == stages.size() ? 0 : i);
    return address(plan, from, to, i);
  }

  /** The links of a stage's copies; null where none are kept. */
  @Nullable ReplicaLinks replica(EpochPlan plan, int stage) {
    int count = plan.stages().size();
    if (!plan.sizes().kvReplica() || count == 1 || count > KeptSlot.MOST_STAGES) {
      return null;
    }
    int before = (stage + count - 1) % count;
    return new ReplicaLinks(
        plan.stages().get(before).range(),
        toKeeper(plan, stage),
        fromKeeper(plan, stage),
        toKeeper(plan, before),
        fromKeeper(plan, before));
  }

  private LinkAddress toKeeper(EpochPlan plan, int stage) {
    StagePlace keeper = plan.stages().get((stage + 1) % plan.stages().size());
    return address(plan, plan.stages().get(stage).node(), keeper, REPLICAS + 2 * stage);
  }

  private LinkAddress fromKeeper(EpochPlan plan, int stage) {
    StagePlace keeper = plan.stages().get((stage + 1) % plan.stages().size());
    return address(plan, keeper.node(), plan.stages().get(stage), REPLICAS + 2 * stage + 1);
  }

  private LinkAddress address(EpochPlan plan, NodeId from, StagePlace to, int index) {
    int stream = base + FIRST_STREAM + Math.floorMod(plan.epoch(), EPOCHS) * STRIDE + index;
    if (shared && from.equals(to.node())) {
      return LinkAddress.ipc(stream);
    }
    DataAddress address = to.address();
    // No life of a node has an epoch twice, so no two sealed links ever have the same name and
    // stream.
    return LinkAddress.udp(address.host(), address.port(), stream)
        .named(Long.toHexString(to.node().uid()));
  }
}
