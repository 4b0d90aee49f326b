package dev.sluice.ops.serve.trace;

import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.model.Batch;
import dev.sluice.ops.serve.model.GenerationObserver;
import dev.sluice.ops.serve.model.GenerationWatch;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A span for each request, named and described as OpenTelemetry's conventions for generative models
 * say, without what was asked or answered; below it one for each part of its way, for each stage
 * and for each recovery. A caller's {@code traceparent} is its parent. For any thread.
 */
public final class Tracing implements GenerationObserver {
  static final AttributeKey<String> OPERATION = AttributeKey.stringKey("gen_ai.operation.name");
  static final AttributeKey<Long> INPUT = AttributeKey.longKey("gen_ai.usage.input_tokens");
  static final AttributeKey<Long> OUTPUT = AttributeKey.longKey("gen_ai.usage.output_tokens");
  static final AttributeKey<List<String>> REASONS =
      AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");
  static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");

  private final Tracer tracer;

  /** Traces by this tracer. */
  public Tracing(Tracer tracer) {
    this.tracer = tracer;
  }

  @Override
  public GenerationWatch watch(Call call, ServedModel model, Batch batch) {
    Context parent =
        W3CTraceContextPropagator.getInstance().extract(Context.root(), call, Headers.GETTER);
    String operation = operation(call.path());
    SpanTimes times = new SpanTimes();
    SpanBuilder builder =
        tracer
            .spanBuilder(operation + " " + model.id())
            .setParent(parent)
            .setSpanKind(SpanKind.SERVER)
            .setStartTimestamp(times.begun())
            .setAttribute(OPERATION, operation)
            .setAttribute("gen_ai.provider.name", "sluice")
            .setAttribute("gen_ai.request.model", model.id())
            .setAttribute("gen_ai.response.model", model.id())
            .setAttribute("gen_ai.request.choice.count", batch.requests().size())
            .setAttribute("sluice.request.id", call.id())
            .setAttribute("sluice.system_fingerprint", model.fingerprint());
    describe(builder, batch.requests().getFirst());
    Span span = builder.startSpan();
    return span.isRecording()
        ? new RequestTrace(tracer, span, model.backend(), batch, times)
        : new GenerationObserver.Several(List.of());
  }

  private static void describe(SpanBuilder builder, TextRequest request) {
    SamplingParameters sampling = request.sampling();
    if (request.maxTokens() != TokenRequest.UNLIMITED) {
      builder.setAttribute("gen_ai.request.max_tokens", request.maxTokens());
    }
    builder
        .setAttribute("gen_ai.request.temperature", sampling.temperature())
        .setAttribute("gen_ai.request.top_p", sampling.topP())
        .setAttribute("gen_ai.request.top_k", sampling.topK())
        .setAttribute("gen_ai.request.presence_penalty", sampling.presencePenalty())
        .setAttribute("gen_ai.request.frequency_penalty", sampling.frequencyPenalty())
        .setAttribute("gen_ai.request.seed", sampling.seed());
  }

  private static String operation(String path) {
    return switch (path) {
      case "/v1/completions" -> "text_completion";
      case "/v1/embeddings" -> "embeddings";
      default -> "chat";
    };
  }

  /** Where a caller says what its request is a part of. */
  private enum Headers implements TextMapGetter<Call> {
    GETTER;

    @Override
    public @Nullable String get(@Nullable Call call, String name) {
      return call == null ? null : call.header(name).orElse(null);
    }
  }
}
