package dev.sluice.ops.serve.trace;

import dev.sluice.ops.serve.model.Backend;
import dev.sluice.ops.serve.model.Batch;
import dev.sluice.ops.serve.model.GenerationWatch;
import dev.sluice.ops.serve.model.PipelineView;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.Usage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One request's spans. Its answers come on several threads, so all of it is locked. */
final class RequestTrace implements GenerationWatch {
  private final Tracer tracer;
  private final Span span;
  private final Context parent;
  private final Backend backend;
  private final Batch batch;
  private final SpanTimes times;
  private final List<String> reasons = new ArrayList<>();
  private @Nullable CompletionStage<PipelineView> before;
  private @Nullable Instant admitted;
  private @Nullable Instant first;
  private @Nullable Instant last;
  private long input;
  private long output;

  RequestTrace(Tracer tracer, Span span, Backend backend, Batch batch, SpanTimes times) {
    this.tracer = tracer;
    this.span = span;
    this.parent = Context.root().with(span);
    this.backend = backend;
    this.batch = batch;
    this.times = times;
  }

  @Override
  public synchronized void admitted(Duration waited) {
    Instant now = times.now();
    admitted = now;
    part("queue", times.begun(), now);
    before = view();
  }

  @Override
  public synchronized void event(int choice, TextEvent event) {
    Instant now = times.now();
    switch (event) {
      case TextEvent.Piece _ -> {
        if (first == null) {
          first = now;
          part("prefill", admitted == null ? times.begun() : admitted, now);
        }
        last = now;
        output++;
      }
      case TextEvent.Recovered(int tokens, Duration pause) ->
          builder("recovery", now.minus(pause))
              .setAttribute("sluice.choice", choice)
              .setAttribute("sluice.recovery.token", tokens)
              .startSpan()
              .end(now);
      case TextEvent.Finished(FinishReason reason, Usage usage, var _) -> {
        input += batch.countsPrompt(choice) ? usage.promptTokens() : 0;
        reasons.add(reason.name().toLowerCase(Locale.ROOT));
      }
      case TextEvent.Prompt _, TextEvent.Scored _ -> {}
    }
  }

  @Override
  public synchronized void ended(@Nullable Throwable failure) {
    Instant now = times.now();
    if (first != null && last != null) {
      part("decode", first, last);
    }
    span.setAttribute(Tracing.INPUT, input).setAttribute(Tracing.OUTPUT, output);
    if (!reasons.isEmpty()) {
      span.setAttribute(Tracing.REASONS, List.copyOf(reasons));
    }
    if (failure != null) {
      span.setStatus(StatusCode.ERROR).setAttribute(Tracing.ERROR, kind(failure));
    }
    span.end(now);
    if (before != null) {
      Instant from = admitted == null ? now : admitted;
      var _ = before.thenAcceptBoth(view(), (then, after) -> stages(then, after, from, now));
    }
  }

  private static String kind(Throwable failure) {
    return switch (failure) {
      case GenerationException known -> known.kind().name().toLowerCase(Locale.ROOT);
      case TimeoutException _ -> "deadline";
      default -> failure.getClass().getSimpleName();
    };
  }

  private CompletionStage<PipelineView> view() {
    try {
      return backend.view();
    } catch (RuntimeException e) {
      return CompletableFuture.failedStage(e);
    }
  }

  /** What each stage did meanwhile, for all requests that it had. */
  private void stages(PipelineView then, PipelineView after, Instant from, Instant to) {
    boolean same = then.epoch() == after.epoch() && then.stages().size() == after.stages().size();
    for (int i = 0; i < after.stages().size(); i++) {
      PipelineView.Stage stage = after.stages().get(i);
      long done = stage.microBatches() - (same ? then.stages().get(i).microBatches() : 0);
      builder("stage " + (i + 1), from)
          .setAttribute("sluice.stage.node", stage.node())
          .setAttribute("sluice.stage.first_layer", stage.firstLayer())
          .setAttribute("sluice.stage.end_layer", stage.endLayer())
          .setAttribute("sluice.stage.busy_share", stage.busyShare())
          .setAttribute("sluice.stage.micro_batches", done)
          .setAttribute("sluice.epoch", after.epoch())
          .startSpan()
          .end(to);
    }
  }

  private void part(String name, Instant from, Instant to) {
    builder(name, from).startSpan().end(to);
  }

  private SpanBuilder builder(String name, Instant from) {
    return tracer.spanBuilder(name).setParent(parent).setStartTimestamp(from);
  }
}
