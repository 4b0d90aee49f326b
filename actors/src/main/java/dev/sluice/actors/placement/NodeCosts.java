package dev.sluice.actors.placement;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.shard.LayerRange;
import java.util.List;
import java.util.Map;

/** What ranges of a model's layers take on each of some nodes: time, and room for tokens. */
final class NodeCosts {
  private static final double NANOS = 1e9;

  /** Longest time of a layer or a hop that is told apart from longer ones: 20 minutes. */
  private static final double MAX_NANOS = 1.2e12;

  private final ModelCosts model;
  private final MemoryNeeds needs;
  private final List<NodeOffer> nodes;
  private final long[][] decode; // [node][layer]: nanoseconds of all layers before
  private final long[][] prompt;
  private final long[] headDecode; // [node]: nanoseconds of the head for one token
  private final long[][] hops;
  private final long[] weights; // [layer]: bytes of all layers before
  private final long[] keysAndValues; // [layer]: bytes of one position in all layers before

  NodeCosts(ModelCosts model, MemoryNeeds needs, List<NodeOffer> nodes) {
    this.model = model;
    this.needs = needs;
    this.nodes = nodes;
    int layers = model.layers();
    decode = new long[nodes.size()][layers + 1];
    prompt = new long[nodes.size()][layers + 1];
    headDecode = new long[nodes.size()];
    hops = new long[nodes.size()][nodes.size()];
    weights = new long[layers + 1];
    keysAndValues = new long[layers + 1];
    for (int i = 0; i < layers; i++) {
      weights[i + 1] = weights[i] + model.layerBytes()[i];
      keysAndValues[i + 1] = keysAndValues[i] + model.layerKvBytes()[i];
    }
    for (int n = 0; n < nodes.size(); n++) {
      NodeOffer node = nodes.get(n);
      for (int i = 0; i < layers; i++) {
        Map<GgmlType, Long> work = model.layerWork().get(i);
        decode[n][i + 1] = decode[n][i] + nanos(node, work, false);
        prompt[n][i + 1] = prompt[n][i] + nanos(node, work, true);
      }
      headDecode[n] = nanos(node, Map.of(model.headType(), model.headWork()), false);
      for (int m = 0; m < nodes.size(); m++) {
        hops[n][m] = n == m ? 0 : hop(node, nodes.get(m));
      }
    }
  }

  private static long nanos(NodeOffer node, Map<GgmlType, Long> work, boolean ofPrompt) {
    double nanos = 0;
    // In the order of the types: a sum of doubles must not depend on the map.
    for (GgmlType type : GgmlType.values()) {
      long multiplyAdds = work.getOrDefault(type, 0L);
      if (multiplyAdds > 0) {
        KernelRate rate = node.speed(type);
        nanos += multiplyAdds / (ofPrompt ? rate.prompt() : rate.decode()) * NANOS;
      }
    }
    return Math.round(Math.min(nanos, MAX_NANOS));
  }

  /** Half of the round trip, which either end may have measured. */
  private static long hop(NodeOffer from, NodeOffer to) {
    Long measured = from.roundTripNanos().get(to.name());
    Long back = to.roundTripNanos().get(from.name());
    long roundTrip =
        measured != null
            ? back != null ? Math.min(measured, back) : measured
            : back != null ? back : NodeOffer.UNKNOWN_ROUND_TRIP_NANOS;
    return Math.min(roundTrip / 2, (long) MAX_NANOS);
  }

  int nodes() {
    return nodes.size();
  }

  List<NodeOffer> offers() {
    return nodes;
  }

  NodeOffer node(int n) {
    return nodes.get(n);
  }

  int layers() {
    return model.layers();
  }

  /** Nanoseconds from a node to another, one way. */
  long[][] hops() {
    return hops;
  }

  /** Nanoseconds of the layers on a node for one generated token. */
  long decodeNanos(int node, int first, int end) {
    return decode[node][end] - decode[node][first] + (end == layers() ? headDecode[node] : 0);
  }

  /** Nanoseconds of the layers on a node for a token of a prompt; only its last wants the head. */
  long promptNanos(int node, int first, int end) {
    return prompt[node][end] - prompt[node][first];
  }

  /** Nanoseconds for one generated token and {@link ClusterPlanner#PROMPT_TOKENS} of prompts. */
  long nanos(int node, int first, int end) {
    return decodeNanos(node, first, end)
        + ClusterPlanner.PROMPT_TOKENS * promptNanos(node, first, end);
  }

  /** Bytes of the layers besides keys and values: weights and buffers. */
  long fixedBytes(int first, int end) {
    return weightBytes(first, end) + bufferBytes(end == layers());
  }

  private long weightBytes(int first, int end) {
    long bytes = weights[end] - weights[first] + model.sharedBytes();
    boolean embedding = first == 0;
    boolean head = end == layers();
    bytes += embedding ? model.embeddingBytes() : 0;
    bytes += head ? model.headBytes() : 0;
    return embedding && head ? bytes - model.tiedBytes() : bytes;
  }

  private long bufferBytes(boolean head) {
    return model.bufferBytes(needs, head);
  }

  /**
   * Bytes that a node lacks for the layers with keys and values of so many tokens; negative where
   * some are left over.
   */
  long lackingBytes(int node, int first, int end, long tokens) {
    long perToken = keysAndValues[end] - keysAndValues[first];
    return fixedBytes(first, end)
        + Math.multiplyExact(perToken, tokens)
        - nodes.get(node).memoryBytes();
  }

  /** Tokens whose keys and values fit beside the layers; -1 where not even these fit. */
  long tokensThatFit(int node, int first, int end) {
    long left = nodes.get(node).memoryBytes() - fixedBytes(first, end);
    long perToken = keysAndValues[end] - keysAndValues[first];
    return left < 0 ? -1 : perToken == 0 ? Long.MAX_VALUE : left / perToken;
  }

  /** Bytes of the range's weights that are not in {@code held}. */
  long missingBytes(int first, int end, LayerRange held) {
    if (held.size() == 0) {
      return weightBytes(first, end);
    }
    int from = Math.max(first, held.first());
    int to = Math.min(end, held.end());
    long common = from < to ? weights[to] - weights[from] + model.sharedBytes() : 0;
    common += first == 0 && held.first() == 0 ? model.embeddingBytes() : 0;
    boolean heldHead = end == layers() && held.end() == layers();
    common += heldHead ? model.headBytes() : 0;
    boolean both = first == 0 && held.first() == 0 && heldHead;
    return Math.max(0, weightBytes(first, end) - (both ? common - model.tiedBytes() : common));
  }

  /** The stage's numbers for a plan. */
  StagePlan stagePlan(int stage, int first, int end, double share) {
    return model.stagePlan(needs, stage, first, end, share);
  }
}
