package dev.sluice.ops;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.coordination.StageReport;
import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice status}: what the nodes of a cluster do. */
@Command(
    name = "status",
    description = "Prints the nodes of a cluster, and what each of them does.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class StatusCommand implements Runnable {
  private static final Duration WATCH = Duration.ofSeconds(1);

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(names = "--watch", description = "Print it again every second.")
  private boolean watch;

  @Option(
      names = "--json",
      description = "Print an object: {\"status\",\"epoch\",\"reason\",\"nodes\":[…]}.")
  private boolean asJson;

  @Override
  public void run() {
    try (ClusterClient client = ClusterClient.join(cluster)) {
      do {
        CoordinatorActor.Status status = ClusterClient.get(client.node().status(), "status");
        if (asJson) {
          Json.print(json -> write(json, status));
        } else {
          print(status);
        }
        if (Streams.out().checkError()) {
          return;
        }
      } while (watch && pause());
    }
  }

  private static boolean pause() {
    try {
      Thread.sleep(WATCH);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static void print(CoordinatorActor.Status status) {
    PipelineState state = status.state();
    EpochPlan plan = status.plan();
    Streams.out()
        .printf(
            Locale.ROOT,
            "epoch %d, %s%s%n",
            state.epoch(),
            state.status().name().toLowerCase(Locale.ROOT),
            state.reason().isEmpty() ? "" : ": " + state.reason());
    String form = "%-24s %-14s %-9s %10s %6s %-22s %s%n";
    Streams.out().printf(form, "node", "layers", "state", "memory", "cores", "KV pages", "model");
    for (NodeReport node : status.nodes()) {
      String layers = plan == null ? "" : layers(plan, node.node());
      Streams.out()
          .printf(
              Locale.ROOT,
              form,
              node.node() + (node.node().equals(state.head()) ? " *" : ""),
              layers.isEmpty() ? "-" : layers,
              node.leaving() ? "leaving" : stages(node),
              Bytes.text(node.resources().offer().memoryBytes()),
              node.resources().offer().cores(),
              pages(node),
              name(node.resources().model()));
    }
    for (NodeId node : status.unreachable()) {
      Streams.out().printf(Locale.ROOT, "%-24s does not answer%n", node);
    }
    if (!status.nodes().isEmpty()) {
      Streams.out().println("* has the head");
    }
    Streams.out().flush();
  }

  private static String layers(EpochPlan plan, NodeId node) {
    return plan.stagesOf(node).stream()
        .map(i -> plan.stages().get(i).range().toString())
        .collect(Collectors.joining(","));
  }

  private static String stages(NodeReport node) {
    return node.stages().isEmpty()
        ? "spare"
        : node.stages().stream()
            .map(s -> s.state().name().toLowerCase(Locale.ROOT))
            .distinct()
            .collect(Collectors.joining(","));
  }

  private static String pages(NodeReport node) {
    return node.stages().stream()
        .map(s -> s.kv().usedPages() + "/" + s.kv().totalPages())
        .collect(Collectors.joining(","));
  }

  private static String name(@Nullable ModelCard model) {
    return model == null ? "-" : model.name();
  }

  private static void write(JsonGenerator json, CoordinatorActor.Status status) throws IOException {
    PipelineState state = status.state();
    json.writeStringField("status", state.status().name().toLowerCase(Locale.ROOT));
    json.writeNumberField("epoch", state.epoch());
    json.writeStringField("reason", state.reason());
    json.writeStringField("head", state.head() == null ? null : state.head().name());
    json.writeArrayFieldStart("nodes");
    for (NodeReport node : status.nodes()) {
      json.writeStartObject();
      json.writeStringField("node", node.node().name());
      json.writeStringField("version", node.resources().version());
      json.writeNumberField("memory_bytes", node.resources().offer().memoryBytes());
      json.writeNumberField("cores", node.resources().offer().cores());
      json.writeBooleanField("leaving", node.leaving());
      ModelCard model = node.resources().model();
      json.writeStringField("model", model == null ? null : model.content());
      json.writeArrayFieldStart("stages");
      for (StageReport stage : node.stages()) {
        writeStage(json, status.plan(), stage);
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("unreachable");
    for (NodeId node : status.unreachable()) {
      json.writeString(node.name());
    }
    json.writeEndArray();
  }

  private static void writeStage(JsonGenerator json, @Nullable EpochPlan plan, StageReport stage)
      throws IOException {
    json.writeStartObject();
    json.writeNumberField("stage", stage.stage());
    if (plan != null && stage.stage() < plan.stages().size()) {
      json.writeNumberField("first_layer", plan.stages().get(stage.stage()).range().first());
      json.writeNumberField("end_layer", plan.stages().get(stage.stage()).range().end());
    }
    json.writeStringField("state", stage.state().name().toLowerCase(Locale.ROOT));
    json.writeNumberField("kv_pages_used", stage.kv().usedPages());
    json.writeNumberField("kv_pages", stage.kv().totalPages());
    json.writeEndObject();
  }
}
