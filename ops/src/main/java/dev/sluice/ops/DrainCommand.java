package dev.sluice.ops;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code sluice drain}: moves a node's layers away and lets it go. */
@Command(
    name = "drain",
    description = "Moves a node's layers to others, and ends the node.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DrainCommand implements Runnable {
  @Parameters(index = "0", paramLabel = "HOST:PORT", description = "The node's address.")
  private String node = "";

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Override
  public void run() {
    if (!node.matches(".+:[0-9]{1,5}")) {
      throw new CommandException(node + ": a node is named by its address, HOST:PORT");
    }
    try (ClusterClient client = ClusterClient.join(cluster)) {
      Streams.out().println(ClusterClient.get(client.node().drain(node), node));
      Streams.out().flush();
    }
  }
}
