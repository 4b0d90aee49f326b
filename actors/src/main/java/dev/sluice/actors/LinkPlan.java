package dev.sluice.actors;

import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.transport.LinkAddress;
import java.util.List;

/**
 * Where the links of a pipeline go: link i leads to stage i, the one after the last stage's back to
 * the head. Every epoch has streams of its own.
 *
 * @param shared whether stages of one node are joined by shared memory; else by UDP too
 * @param base added to stream ids, to keep apart those who share a media driver
 */
public record LinkPlan(boolean shared, int base) {
  private static final int FIRST_STREAM = 1001;

  /** Streams of an epoch: one more than the most stages. */
  private static final int STRIDE = 1025;

  private static final int EPOCHS = 1 << 20;

  LinkAddress link(EpochPlan plan, int i) {
    List<StagePlace> stages = plan.stages();
    NodeId from = i == 0 ? plan.head() : stages.get(i - 1).node();
    StagePlace to = stages.get(i == stages.size() ? 0 : i);
    int stream = base + FIRST_STREAM + Math.floorMod(plan.epoch(), EPOCHS) * STRIDE + i;
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
