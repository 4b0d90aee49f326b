package dev.sluice.ops.serve.live;

import akka.http.javadsl.model.HttpCharsets;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.model.Metrics;
import dev.sluice.ops.serve.model.PipelineView;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.ToDoubleFunction;

/** {@code GET /metrics}: all numbers, those of the pipeline looked up for each scrape. */
public final class PipelineMetrics {
  private final LiveFeed live;
  private final Metrics metrics;
  private final MultiGauge busy;
  private final MultiGauge cache;
  private final MultiGauge batches;
  private final MultiGauge links;
  private volatile double serving;
  private volatile double epoch;
  private volatile double nodes;
  private volatile double fullest;

  /** Adds the pipeline's to {@code metrics}. */
  public PipelineMetrics(LiveFeed live, Metrics metrics) {
    this.live = live;
    this.metrics = metrics;
    metrics.gauge("sluice.pipeline.serving", "1 where requests are computed.", () -> serving);
    metrics.gauge("sluice.pipeline.epoch", "Rises when the pipeline is rebuilt.", () -> epoch);
    metrics.gauge("sluice.pipeline.nodes", "Nodes that compute, or could.", () -> nodes);
    metrics.gauge(
        "sluice.kv.cache.usage.ratio",
        "The share of the KV cache in use, of the fullest stage.",
        () -> fullest);
    busy = metrics.gauges("sluice.stage.busy.ratio", "What a stage computes in, of late.");
    cache = metrics.gauges("sluice.stage.kv.cache.usage.ratio", "A stage's share in use.");
    batches = metrics.gauges("sluice.stage.micro.batches", "Computed since it was built.");
    links = metrics.gauges("sluice.link.seconds", "From a stage to the next: round trip, or hop.");
  }

  /** All numbers, in Prometheus' text format. */
  public CompletionStage<HttpResponse> scrape(Call call) {
    return live.view()
        .thenApply(
            view -> {
              update(view);
              return HttpResponse.create()
                  .withEntity(
                      HttpEntities.create(
                          MediaTypes.TEXT_PLAIN.toContentType(HttpCharsets.UTF_8),
                          metrics.scrape()));
            });
  }

  private synchronized void update(PipelineView view) {
    serving = view.state() == PipelineView.State.SERVING ? 1 : 0;
    epoch = view.epoch();
    nodes = view.nodes().stream().filter(node -> node.state().equals("up")).count();
    fullest = view.stages().stream().mapToDouble(PipelineMetrics::usage).max().orElse(0);
    busy.register(stages(view, PipelineView.Stage::busyShare), true);
    cache.register(stages(view, PipelineMetrics::usage), true);
    batches.register(stages(view, PipelineView.Stage::microBatches), true);
    links.register(links(view), true);
  }

  private static double usage(PipelineView.Stage stage) {
    return stage.kvBytes() == 0 ? 0 : (double) stage.kvUsedBytes() / stage.kvBytes();
  }

  private static List<MultiGauge.Row<?>> stages(
      PipelineView view, ToDoubleFunction<PipelineView.Stage> value) {
    List<MultiGauge.Row<?>> rows = new ArrayList<>();
    for (int i = 0; i < view.stages().size(); i++) {
      PipelineView.Stage stage = view.stages().get(i);
      rows.add(
          MultiGauge.Row.of(
              Tags.of("stage", Integer.toString(i + 1), "node", stage.node()),
              value.applyAsDouble(stage)));
    }
    return rows;
  }

  private static List<MultiGauge.Row<?>> links(PipelineView view) {
    List<MultiGauge.Row<?>> rows = new ArrayList<>();
    for (PipelineView.Link link : view.links()) {
      if (link.nanos().isPresent()) {
        rows.add(
            MultiGauge.Row.of(
                Tags.of(
                    "from",
                    Integer.toString(link.from() + 1),
                    "to",
                    Integer.toString(link.to() + 1)),
                link.nanos().getAsLong() / 1e9));
      }
    }
    return rows;
  }
}
