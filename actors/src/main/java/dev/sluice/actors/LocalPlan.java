package dev.sluice.actors;

import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.NodeResources;
import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.actors.placement.ShardPlan;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The placement of a pipeline whose stages are all in this process: every stage on the one node.
 *
 * @param address where frames are received when they go over the loopback device
 */
record LocalPlan(ShardPlan plan, PipelineSizes sizes, DataAddress address, LinkPlan links)
    implements Placement {
  static final NodeId NODE = new NodeId("this process", 0);

  private static final String LOOPBACK = "127.0.0.1";

  static LocalPlan of(ShardPlan plan, ModelShape shape, PipelineOptions options) {
    boolean ipc = options.link() == LinkKind.IPC;
    // Others may use the same external driver; streams of their own keep pipelines apart.
    boolean apart = ipc && options.aeronDirectory().isPresent();
    int base = apart ? new SecureRandom().nextInt(1 << 18) << 12 : 0;
    return new LocalPlan(
        plan,
        options.sizes(shape.embeddingLength(), shape.vocabularySize(), shape.contextTokens()),
        ipc ? DataAddress.NONE : new DataAddress(LOOPBACK, freePort()),
        new LinkPlan(ipc, base));
  }

  NodeResources resources() {
    NodeOffer offer = NodeOffer.unmeasured(NODE.name(), Long.MAX_VALUE, 1);
    return new NodeResources(address, offer, "", null, null);
  }

  @Override
  public Placed place(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous) {
    if (nodes.isEmpty()) {
      throw new PlacementException("this process cannot load the model");
    }
    List<StagePlace> stages =
        plan.ranges().stream().map(range -> new StagePlace(NODE, address, range)).toList();
    return new Placed("", sizes, stages, plan.why());
  }

  /**
   * A port that was free a moment ago; should another process take it, starting fails and says so.
   */
  private static int freePort() {
    try (DatagramSocket socket =
        new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new PipelineException("There is no free UDP port on " + LOOPBACK, e);
    }
  }
}
