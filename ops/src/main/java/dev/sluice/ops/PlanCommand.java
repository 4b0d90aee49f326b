package dev.sluice.ops;

import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.coordination.Outlook;
import dev.sluice.actors.placement.ClusterPlan;
import dev.sluice.actors.placement.ClusterPlanner;
import dev.sluice.actors.placement.MemoryNeeds;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgufFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice plan}: which layers would run where. Loads nothing. */
@Command(
    name = "plan",
    description =
        "Shows which layers go where, with how many bytes of weights and KV cache, and why."
            + " Nothing is loaded. With --join, for the nodes of a cluster as they are, beside what"
            + " runs there; what a stage needs is then as the cluster has it.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class PlanCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private ModelOption model = new ModelOption();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--nodes",
      paramLabel = "NODES",
      description =
          "Plan for these nodes, with name, memory and cores each: a=12g,4,b=8g,2; or memory alone:"
              + " 12g,8g; or a .conf or .json file with speeds and round trips too. As many stages"
              + " as are good, unless --stages says how many.")
  private @Nullable String nodes;

  @Option(
      names = {"--streams", "--sequences"},
      paramLabel = "N",
      description = "Sequences of --ctx tokens to hold at once (${DEFAULT-VALUE}).")
  private int streams = 1;

  @Option(
      names = "--kv-replica",
      description = "Each stage keeps a copy of the keys and values of another one.")
  private boolean kvReplica;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean asJson;

  @Override
  public void run() {
    if (cluster.given()) {
      printLive();
    } else {
      printOffline();
    }
  }

  /** What the cluster's coordinator would do with what its nodes have and have measured. */
  private void printLive() {
    if (nodes != null) {
      throw new ParameterException(
          spec.commandLine(), "--nodes and --join: plan for one or the other");
    }
    try (ClusterClient client = ClusterClient.join(cluster)) {
      CoordinatorActor.Foreseen foreseen = ClusterClient.get(client.node().outlook(), "plan");
      Outlook outlook = foreseen.outlook();
      if (outlook == null) {
        throw new CommandException(foreseen.reason());
      }
      int epoch = foreseen.state().epoch();
      if (asJson) {
        Json.print(json -> PlanReport.write(json, outlook, epoch));
      } else {
        print(PlanReport.text(outlook, epoch));
      }
    }
  }

  private void printOffline() {
    try (GgufFile file = model.open()) {
      ModelFootprint footprint = ModelFootprint.of(file);
      PipelineOptions options = engine.pipeline(streams);
      int context = options.effectiveContext(footprint.spec().contextLength());
      MemoryNeeds needs =
          new MemoryNeeds(
              (long) context * streams,
              options.kvType(),
              options.effectiveTokenBudget(),
              options.effectiveLogitRows(footprint.spec().vocabularySize()),
              options.activationLog().memoryBytes(),
              kvReplica);
      if (nodes == null) {
        ShardPlan plan = ShardPlan.of(footprint, options.stages(), needs);
        if (asJson) {
          Json.print(json -> PlanReport.write(json, needs, plan));
        } else {
          print(PlanReport.text(footprint, needs, plan));
        }
      } else {
        boolean given = spec.commandLine().getParseResult().hasMatchedOption("--stages");
        int stages = given ? options.stages() : 0;
        ClusterPlan plan = ClusterPlanner.of(footprint, needs, stages).plan(NodeList.parse(nodes));
        if (asJson) {
          Json.print(json -> PlanReport.write(json, needs, plan));
        } else {
          print(PlanReport.text(footprint, needs, plan));
        }
      }
    }
  }

  private static void print(String text) {
    Streams.out().print(text);
    Streams.out().flush();
  }
}
