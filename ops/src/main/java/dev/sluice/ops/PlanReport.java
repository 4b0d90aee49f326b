package dev.sluice.ops;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.actors.coordination.Outlook;
import dev.sluice.actors.placement.ClusterPlan;
import dev.sluice.actors.placement.MemoryNeeds;
import dev.sluice.actors.placement.PlacedStage;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.actors.placement.Spare;
import dev.sluice.actors.placement.StagePlan;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.cache.KvType;
import java.io.IOException;
import java.util.Locale;

/** Plans as people and machines read them. */
final class PlanReport {
  private static final String[] STAGE_HEADINGS = {
    "layers", "with", "weights", "KV cache", "KV a token", "buffers", "cost"
  };

  private PlanReport() {}

  /** A plan for the stages of one process, as a table with the reasons below. */
  static String text(ModelFootprint model, MemoryNeeds needs, ShardPlan plan) {
    StringBuilder text = new StringBuilder(title(model, needs));
    text.append(row("stage", STAGE_HEADINGS)).append('\n');
    for (StagePlan stage : plan.stages()) {
      text.append(row(Integer.toString(stage.stage()), cells(stage))).append('\n');
    }
    return text.append('\n').append(plan.why()).append('\n').toString();
  }

  /** A plan for nodes, as a table with the reasons below. */
  static String text(ModelFootprint model, MemoryNeeds needs, ClusterPlan plan) {
    return title(model, needs) + table(plan) + '\n' + plan.why() + '\n';
  }

  /** What would be placed over the nodes of a cluster, beside what runs. */
  static String text(Outlook outlook, int epoch) {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT, "%s, %d tokens of context%n%n", outlook.model(), outlook.kvTokens()));
    ClusterPlan running = outlook.running();
    if (running != null && outlook.moves()) {
      text.append("now, epoch ").append(epoch).append(":\n").append(table(running));
      text.append('\n').append(running.why()).append("\n\n");
    }
    text.append(
        !outlook.moves()
            ? "now, epoch " + epoch + ", as good as can be:\n"
            : running == null ? "planned:\n" : "better, with 'sluice rebalance':\n");
    text.append(table(outlook.best())).append('\n');
    return text.append(outlook.best().why()).append('\n').toString();
  }

  private static String table(ClusterPlan plan) {
    StringBuilder text = new StringBuilder();
    int width = plan.stages().stream().mapToInt(stage -> stage.node().length()).max().orElse(0);
    String line = "%-" + Math.max(4, width) + "s %s %10s %9s %9s %8s %12s%n";
    text.append(
        String.format(
            line,
            "node",
            row("stage", STAGE_HEADINGS),
            "memory",
            "decode",
            "prompt",
            "hop",
            "tokens fit"));
    for (PlacedStage stage : plan.stages()) {
      text.append(
          String.format(
              Locale.ROOT,
              line,
              stage.node(),
              row(Integer.toString(stage.plan().stage()), cells(stage.plan())),
              Bytes.text(stage.memoryBytes()),
              time(stage.decodeNanos()),
              time(stage.promptNanos()),
              time(stage.hopNanos()),
              String.format(Locale.ROOT, "%,d", stage.tokensThatFit())));
    }
    for (Spare spare : plan.spares()) {
      text.append(spare.node()).append(" is a spare: ").append(spare.reason()).append(".\n");
    }
    return text.toString();
  }

  private static String[] cells(StagePlan stage) {
    return new String[] {
      stage.range().toString(),
      (stage.embedding() ? "embedding " : "") + (stage.head() ? "head" : ""),
      Bytes.text(stage.weightBytes()),
      Bytes.text(stage.kvBytes()),
      Bytes.text(stage.kvBytesPerToken()),
      Bytes.text(stage.bufferBytes()),
      String.format(Locale.ROOT, "%.1f%%", 100 * stage.costShare())
    };
  }

  private static String row(String stage, String[] cells) {
    return String.format(
        "%5s  %-10s %-15s %11s %11s %11s %11s %6s",
        stage, cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]);
  }

  private static String title(ModelFootprint model, MemoryNeeds needs) {
    return String.format(
        Locale.ROOT,
        "%s: %s, %d layers, %d tokens of context%n%n",
        model.spec().name(),
        model.spec().architecture().name().toLowerCase(Locale.ROOT),
        model.layers(),
        needs.kvTokens());
  }

  private static String time(long nanos) {
    return nanos < 1_000_000
        ? String.format(Locale.ROOT, "%.1f µs", nanos / 1e3)
        : String.format(Locale.ROOT, "%.2f ms", nanos / 1e6);
  }

  /** The fields of a plan for the stages of one process. */
  static void write(JsonGenerator json, MemoryNeeds needs, ShardPlan plan) throws IOException {
    writeNeeds(json, needs.kvTokens(), needs.kvType());
    json.writeArrayFieldStart("stages");
    for (StagePlan stage : plan.stages()) {
      json.writeStartObject();
      writeStage(json, stage);
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeStringField("why", plan.why());
  }

  /** The fields of a plan for nodes. */
  static void write(JsonGenerator json, MemoryNeeds needs, ClusterPlan plan) throws IOException {
    writeNeeds(json, needs.kvTokens(), needs.kvType());
    writePlan(json, plan);
  }

  /** The fields of what would be placed beside what runs. */
  static void write(JsonGenerator json, Outlook outlook, int epoch) throws IOException {
    json.writeStringField("model", outlook.model());
    writeNeeds(json, outlook.kvTokens(), outlook.kvType());
    json.writeNumberField("epoch", epoch);
    json.writeBooleanField("moves", outlook.moves());
    ClusterPlan running = outlook.running();
    if (running == null) {
      json.writeNullField("running");
    } else {
      json.writeObjectFieldStart("running");
      writePlan(json, running);
      json.writeEndObject();
    }
    json.writeObjectFieldStart("best");
    writePlan(json, outlook.best());
    json.writeEndObject();
  }

  private static void writePlan(JsonGenerator json, ClusterPlan plan) throws IOException {
    json.writeArrayFieldStart("stages");
    for (PlacedStage stage : plan.stages()) {
      json.writeStartObject();
      json.writeStringField("node", stage.node());
      writeStage(json, stage.plan());
      json.writeNumberField("memory_bytes", stage.memoryBytes());
      json.writeNumberField("tokens_that_fit", stage.tokensThatFit());
      json.writeNumberField("decode_seconds", stage.decodeNanos() / 1e9);
      json.writeNumberField("prompt_seconds", stage.promptNanos() / 1e9);
      json.writeNumberField("hop_seconds", stage.hopNanos() / 1e9);
      json.writeNumberField("moved_bytes", stage.movedBytes());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("spares");
    for (Spare spare : plan.spares()) {
      json.writeStartObject();
      json.writeStringField("node", spare.node());
      json.writeStringField("reason", spare.reason());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeNumberField("tokens_that_fit", plan.tokensThatFit());
    json.writeStringField("slowest_node", plan.slowest().node());
    json.writeNumberField("period_seconds", plan.periodNanos() / 1e9);
    json.writeNumberField("way_seconds", plan.wayNanos() / 1e9);
    json.writeStringField("why", plan.why());
  }

  private static void writeNeeds(JsonGenerator json, long kvTokens, KvType kvType)
      throws IOException {
    json.writeNumberField("kv_tokens", kvTokens);
    json.writeStringField("kv_type", kvType.name().toLowerCase(Locale.ROOT));
  }

  private static void writeStage(JsonGenerator json, StagePlan stage) throws IOException {
    json.writeNumberField("stage", stage.stage());
    json.writeNumberField("first_layer", stage.range().first());
    json.writeNumberField("end_layer", stage.range().end());
    json.writeBooleanField("embedding", stage.embedding());
    json.writeBooleanField("head", stage.head());
    json.writeNumberField("weight_bytes", stage.weightBytes());
    json.writeNumberField("kv_bytes", stage.kvBytes());
    json.writeNumberField("kv_bytes_per_token", stage.kvBytesPerToken());
    json.writeNumberField("buffer_bytes", stage.bufferBytes());
    json.writeNumberField("cost_share", stage.costShare());
  }
}
