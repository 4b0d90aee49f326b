package dev.sluice.actors.placement;

import dev.sluice.model.gguf.GgmlType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Models and nodes drawn from a seed. */
final class RandomClusters {
  private final Random random;

  RandomClusters(long seed) {
    random = new Random(seed);
  }

  /** Layers of about the same size, as models have them, an embedding and a head. */
  ModelCosts model(int layers) {
    long embedding = 1_000_000L * (1 + random.nextInt(200));
    boolean tied = random.nextBoolean();
    long head = tied ? embedding + 1000 : 1_000_000L * (1 + random.nextInt(200));
    long layer = 1_000_000L * (1 + random.nextInt(100));
    return new ModelCosts(
        random.longs(layers, layer, layer * 5 / 4).toArray(),
        random.longs(layers, layer, layer * 5 / 4).toArray(),
        random.longs(layers, 1000, 1100).toArray(),
        embedding,
        embedding / 1000,
        head,
        head,
        random.nextInt(1000),
        tied ? embedding : 0,
        64,
        1000);
  }

  /**
   * Nodes of unlike speed and memory.
   *
   * @param memory what all of them have together, in multiples of what the model and so many tokens
   *     take
   */
  List<NodeOffer> nodes(int count, ModelCosts model, long tokens, double memory) {
    long all =
        model.weightBytes(0, model.layers()) + tokens * model.kvBytesPerToken(0, model.layers());
    boolean farAway = random.nextInt(4) == 0;
    List<NodeOffer> nodes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      double decode = 1e9 * Math.pow(10, random.nextDouble());
      Map<String, Long> roundTrips = new HashMap<>();
      for (int j = 0; j < count; j++) {
        if (j != i && random.nextInt(5) > 0) {
          roundTrips.put(name(j), 50_000 + random.nextLong(farAway ? 100_000_000 : 1_000_000));
        }
      }
      nodes.add(
          new NodeOffer(
              name(i),
              (long) (all * memory / count * (0.2 + 1.6 * random.nextDouble())),
              1 + random.nextInt(8),
              Map.of(GgmlType.F32, new KernelRate(decode, decode * (1 + 4 * random.nextDouble()))),
              roundTrips));
    }
    return nodes;
  }

  static String name(int i) {
    return "node-" + (char) ('a' + i / 26) + (char) ('a' + i % 26);
  }
}
