package dev.sluice.ops.serve.model;

import dev.sluice.ops.serve.http.Call;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TextEvent;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What the server counts, named as vLLM names it after the prefix. For any thread. */
public final class Metrics implements GenerationObserver {
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Timer firstToken =
      timer("sluice.time.to.first.token", "From the request to its first token.", 1, 60_000);
  private final Timer betweenTokens =
      timer("sluice.inter.token.latency", "From one token of an answer to the next.", 1, 5_000);
  private final Timer queue =
      timer(
          "sluice.request.queue.time", "From the request to its place in the pipeline.", 1, 60_000);
  private final Timer whole =
      timer("sluice.e2e.request.latency", "From the request to its end.", 10, 600_000);
  private final Counter promptTokens =
      counter("sluice.prompt.tokens", "Tokens of prompts of requests that have ended.");
  private final Counter cachedTokens =
      counter("sluice.prefix.cache.hits", "Tokens of those prompts that had been computed before.");
  private final Counter generatedTokens =
      counter("sluice.generation.tokens", "Tokens that were generated.");
  private final Counter recoveries =
      counter("sluice.recoveries", "Losses of a part of the pipeline that a request outlived.");

  /** Nothing counted, and all that can be is there from the start. */
  @SuppressWarnings("resource") // the collector's metrics end with the process
  public Metrics() {
    new JvmMemoryMetrics().bindTo(registry);
    new JvmGcMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    for (FinishReason reason : FinishReason.values()) {
      success(reason.name());
    }
    for (GenerationException.Kind kind : GenerationException.Kind.values()) {
      failure(kind.name());
    }
    List.of("deadline", "cancelled", "internal").forEach(this::failure);
  }

  private Counter success(String reason) {
    return tagged("sluice.request.success", "Answers that ended so.", "finished_reason", reason);
  }

  private Counter failure(String kind) {
    return tagged("sluice.request.failure", "Requests that failed so.", "kind", kind);
  }

  private Counter tagged(String name, String what, String tag, String value) {
    return Counter.builder(name)
        .description(what)
        .tag(tag, value.toLowerCase(Locale.ROOT))
        .register(registry);
  }

  private Timer timer(String name, String what, long fromMillis, long toMillis) {
    return Timer.builder(name)
        .description(what)
        .publishPercentileHistogram()
        .minimumExpectedValue(Duration.ofMillis(fromMillis))
        .maximumExpectedValue(Duration.ofMillis(toMillis))
        .register(registry);
  }

  private Counter counter(String name, String what) {
    return Counter.builder(name).description(what).register(registry);
  }

  /** A number that is read when it is asked for. */
  public void gauge(String name, String what, Supplier<Number> value) {
    Gauge.builder(name, value).description(what).strongReference(true).register(registry);
  }

  /** Numbers that come and go, by their tags. */
  public MultiGauge gauges(String name, String what) {
    return MultiGauge.builder(name).description(what).register(registry);
  }

  /** All numbers, in Prometheus' text format. */
  public String scrape() {
    return registry.scrape();
  }

  @Override
  public GenerationWatch watch(Call call, ServedModel model, Batch batch) {
    return new Watch(batch);
  }

  private final class Watch implements GenerationWatch {
    private final long began = System.nanoTime();
    private final Batch batch;
    private final long[] last;

    Watch(Batch batch) {
      this.batch = batch;
      last = new long[batch.requests().size()];
    }

    @Override
    public void admitted(Duration waited) {
      queue.record(waited);
    }

    @Override
    public void event(int choice, TextEvent event) {
      switch (event) {
        case TextEvent.Piece _ -> {
          long now = System.nanoTime();
          generatedTokens.increment();
          if (last[choice] == 0) {
            firstToken.record(now - began, TimeUnit.NANOSECONDS);
          } else {
            betweenTokens.record(now - last[choice], TimeUnit.NANOSECONDS);
          }
          last[choice] = now;
        }
        case TextEvent.Recovered _ -> recoveries.increment();
        case TextEvent.Finished(FinishReason reason, var usage, _) -> {
          promptTokens.increment(batch.countsPrompt(choice) ? usage.promptTokens() : 0);
          cachedTokens.increment(batch.countsPrompt(choice) ? usage.cachedTokens() : 0);
          success(reason.name()).increment();
        }
        case TextEvent.Prompt _, TextEvent.Scored _ -> {}
      }
    }

    @Override
    public void ended(@Nullable Throwable failure) {
      whole.record(System.nanoTime() - began, TimeUnit.NANOSECONDS);
      if (failure != null) {
        String kind =
            switch (failure) {
              case GenerationException generation -> generation.kind().name();
              case TimeoutException _ -> "deadline";
              case CancellationException _ -> "cancelled";
              default -> "internal";
            };
        failure(kind).increment();
      }
    }
  }
}
