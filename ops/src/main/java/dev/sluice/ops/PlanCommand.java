package dev.sluice.ops;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.placement.MemoryNeeds;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.actors.placement.StagePlan;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgufFile;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice plan}: which layers would run where. Loads nothing. */
@Command(
    name = "plan",
    description =
        "Shows which layers go where, with how many bytes of weights and KV cache, and why."
            + " Nothing is loaded.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class PlanCommand implements Runnable {
  @Mixin private ModelOption model = new ModelOption();
  @Mixin private EngineOptions engine = new EngineOptions();

  @Option(
      names = "--nodes",
      split = ",",
      paramLabel = "BYTES",
      description = "A stage for each node, with so much memory each: 12g,8g,512m.")
  private List<String> nodes = List.of();

  @Option(
      names = "--sequences",
      paramLabel = "N",
      description = "Sequences of --ctx tokens to hold at once (${DEFAULT-VALUE}).")
  private int sequences = 1;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean asJson;

  @Override
  public void run() {
    try (GgufFile file = model.open()) {
      ModelFootprint footprint = ModelFootprint.of(file);
      PipelineOptions options = engine.pipeline(sequences);
      int context = options.effectiveContext(footprint.spec().contextLength());
      MemoryNeeds needs =
          new MemoryNeeds(
              (long) context * sequences,
              options.kvType(),
              options.effectiveTokenBudget(),
              options.effectiveLogitRows(footprint.spec().vocabularySize()));
      List<Long> memories = nodes.stream().map(Bytes::parse).toList();
      ShardPlan plan =
          memories.isEmpty()
              ? ShardPlan.of(footprint, options.stages(), needs)
              : ShardPlan.forNodes(footprint, memories, needs);
      if (asJson) {
        Json.print(json -> write(json, plan, memories, needs));
      } else {
        print(footprint, plan, memories, needs);
      }
    }
  }

  private static void print(
      ModelFootprint footprint, ShardPlan plan, List<Long> memories, MemoryNeeds needs) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%s: %s, %d layers, %d tokens of context%n%n",
            footprint.spec().name(),
            footprint.spec().architecture().name().toLowerCase(Locale.ROOT),
            footprint.layers(),
            needs.kvTokens()));
    text.append(
        String.format(
            Locale.ROOT,
            "%5s  %-10s %-15s %11s %11s %11s %11s %6s%s%n",
            "stage",
            "layers",
            "with",
            "weights",
            "KV cache",
            "KV a token",
            "buffers",
            "cost",
            memories.isEmpty() ? "" : "   tokens that fit"));
    for (StagePlan stage : plan.stages()) {
      text.append(
          String.format(
              Locale.ROOT,
              "%5d  %-10s %-15s %11s %11s %11s %11s %5.1f%%%s%n",
              stage.stage(),
              stage.range(),
              (stage.embedding() ? "embedding " : "") + (stage.head() ? "head" : ""),
              Bytes.text(stage.weightBytes()),
              Bytes.text(stage.kvBytes()),
              Bytes.text(stage.kvBytesPerToken()),
              Bytes.text(stage.bufferBytes()),
              100 * stage.costShare(),
              memories.isEmpty() ? "" : String.format("   %,d", tokensThatFit(stage, memories))));
    }
    Streams.out().print(text);
    Streams.out().println();
    Streams.out().println(plan.why());
    Streams.out().flush();
  }

  private static long tokensThatFit(StagePlan stage, List<Long> memories) {
    long rest = memories.get(stage.stage()) - stage.weightBytes() - stage.bufferBytes();
    return rest / stage.kvBytesPerToken();
  }

  private static void write(
      JsonGenerator json, ShardPlan plan, List<Long> memories, MemoryNeeds needs)
      throws IOException {
    json.writeNumberField("kv_tokens", needs.kvTokens());
    json.writeStringField("kv_type", needs.kvType().name().toLowerCase(Locale.ROOT));
    json.writeArrayFieldStart("stages");
    for (StagePlan stage : plan.stages()) {
      json.writeStartObject();
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
      if (!memories.isEmpty()) {
        json.writeNumberField("memory_bytes", memories.get(stage.stage()));
        json.writeNumberField("tokens_that_fit", tokensThatFit(stage, memories));
      }
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeStringField("why", plan.why());
  }
}
