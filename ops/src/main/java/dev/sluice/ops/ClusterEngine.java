package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.cluster.LocalModel;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.store.ContentId;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import dev.sluice.ops.serve.model.PipelineView;
import dev.sluice.stages.flow.TokenGenerator;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * A cluster that this process has joined as a gateway.
 *
 * @param client closed with this
 * @param content id of the model that the cluster runs
 * @param file that model, of which the header is here; whoever joined closes it
 */
record ClusterEngine(ClusterClient client, String content, GgufFile file) implements Engine {
  /**
   * Joins a cluster.
   *
   * @param model which it must run, if one is named; else what it runs is fetched, the header alone
   */
  static ClusterEngine join(ModelOption model, ClusterOptions options) {
    ModelStore store = model.store();
    ClusterClient client = ClusterClient.join(options, store);
    try {
      ModelCard served = ClusterModels.all(client).getFirst();
      GgufFile file =
          model.given()
              ? same(model.open(), served, store)
              : client.fetch(new ContentId(served.content()), Portion.header(), _ -> {});
      return new ClusterEngine(client, served.content(), file);
    } catch (RuntimeException | Error e) {
      client.close();
      throw e;
    }
  }

  private static GgufFile same(GgufFile file, ModelCard served, ModelStore store) {
    try {
      ModelCard given = LocalModel.of(file, store).card();
      if (!given.content().equals(served.content())) {
        throw new CommandException(
            "the cluster runs %s and %s is %s: give --model the same file, or leave it out"
                .formatted(text(served), file.path(), text(given)));
      }
      return file;
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private static String text(ModelCard card) {
    String name = card.name().isEmpty() ? "a model" : card.name();
    return name + " (" + new ContentId(card.content()).brief() + ")";
  }

  /** Tokens that a sequence may have there; 0 while nothing runs. */
  int contextTokens() {
    EpochPlan plan = client.status().plan();
    return plan == null ? 0 : plan.sizes().contextTokens();
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
  public CompletionStage<PipelineView> view() {
    return client
        .node()
        .status()
        .thenApply(status -> ClusterView.of(status, client.node().members()));
  }

  @Override
  public void close() {
    client.close();
  }
}
