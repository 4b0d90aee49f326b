package dev.sluice.ops;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code sluice rebalance}: cuts the layers anew over all nodes that are there. */
@Command(
    name = "rebalance",
    description = "Cuts the layers anew over all nodes; streams only pause.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class RebalanceCommand implements Runnable {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Override
  public void run() {
    try (ClusterClient client = ClusterClient.join(cluster)) {
      Streams.out().println(ClusterClient.get(client.node().rebalance(), "rebalance"));
      Streams.out().flush();
    }
  }
}
