package dev.sluice.actors.placement;

import dev.sluice.model.gguf.GgmlType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Makes nodes that were measured and nodes that were not comparable: where one of them was, a core
 * of the others counts as the slowest measured core. What a core is taken to do where nothing was
 * measured anywhere has nothing to do with these machines.
 */
final class MeasuredSpeeds {
  private MeasuredSpeeds() {}

  /** The nodes, those without any speed with one of each type that another has. */
  static List<NodeOffer> fill(List<NodeOffer> nodes) {
    Map<GgmlType, KernelRate> core = new EnumMap<>(GgmlType.class);
    for (NodeOffer node : nodes) {
      node.speeds()
          .forEach((type, rate) -> core.merge(type, of(rate, node.cores()), MeasuredSpeeds::min));
    }
    return core.isEmpty()
        ? nodes
        : nodes.stream().map(n -> n.speeds().isEmpty() ? with(n, core) : n).toList();
  }

  private static NodeOffer with(NodeOffer node, Map<GgmlType, KernelRate> core) {
    Map<GgmlType, KernelRate> speeds = new EnumMap<>(GgmlType.class);
    core.forEach((type, rate) -> speeds.put(type, of(rate, 1.0 / node.cores())));
    return new NodeOffer(
        node.name(), node.memoryBytes(), node.cores(), speeds, node.roundTripNanos());
  }

  private static KernelRate of(KernelRate rate, double parts) {
    return new KernelRate(rate.decode() / parts, rate.prompt() / parts);
  }

  private static KernelRate min(KernelRate a, KernelRate b) {
    return new KernelRate(Math.min(a.decode(), b.decode()), Math.min(a.prompt(), b.prompt()));
  }
}
