package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenGenerator;
import java.util.Optional;

/**
 * A cluster that this process has joined as a gateway.
 *
 * @param client closed with this
 */
record ClusterEngine(ClusterClient client) implements Engine {
  /**
   * Joins a cluster.
   *
   * @param file whose tokenizer is used: it must be that of the model that the cluster runs
   */
  static ClusterEngine join(GgufFile file, ClusterOptions options) {
    String content = ClusterModel.of(file).card().content();
    ClusterClient client = ClusterClient.join(options);
    try {
      EpochPlan plan = ClusterClient.get(client.node().status(), "the cluster").plan();
      if (plan != null && !plan.model().equals(content)) {
        throw new CommandException(
            "the cluster runs another model than this file has: give --model the same file");
      }
      return new ClusterEngine(client);
    } catch (RuntimeException e) {
      client.close();
      throw e;
    }
  }

  @Override
  public TokenGenerator generator() {
    return client.node().generator();
  }

  @Override
  public ActorSystem<?> system() {
    return client.node().system();
  }

  @Override
  public HeadDirectory directory() {
    return client.node().directory();
  }

  @Override
  public Optional<PipelineStats> stats() {
    return Optional.empty();
  }

  @Override
  public void close() {
    client.close();
  }
}
