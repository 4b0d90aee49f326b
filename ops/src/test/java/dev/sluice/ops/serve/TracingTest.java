package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.NotUsed;
import akka.stream.javadsl.Source;
import dev.sluice.ops.TestServer;
import dev.sluice.ops.serve.trace.Tracing;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Traces of requests, kept in memory. */
@Timeout(120)
class TracingTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final String BODY =
      "{\"prompt\": \"ab ba\", \"seed\": 5, \"max_tokens\": 9, \"ignore_eos\": true}";
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String CALLER = "00f067aa0ba902b7";

  private final InMemorySpanExporter exporter = InMemorySpanExporter.create();
  private final SdkTracerProvider provider =
      SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(exporter)).build();

  @AfterEach
  void closeProvider() {
    provider.close();
  }

  private TestServer server() {
    return TestServer.start(
        1, settings -> settings.withObserver(new Tracing(provider.get("test"))));
  }

  private SpanData span(String name) {
    await()
        .atMost(LONG)
        .until(
            () -> exporter.getFinishedSpanItems().stream().anyMatch(s -> s.getName().equals(name)));
    return exporter.getFinishedSpanItems().stream()
        .filter(s -> s.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static Duration lengthOf(SpanData span) {
    return Duration.ofNanos(span.getEndEpochNanos() - span.getStartEpochNanos());
  }

  @Test
  void shouldTraceARequestItsPartsAndItsStages() throws Exception {
    try (TestServer server = server()) {
      server.load();
      Asked asked =
          Asked.post(
              server.url() + "/v1/completions",
              BODY,
              "traceparent",
              "00-" + TRACE + "-" + CALLER + "-01");
      assertThat(asked.status()).isEqualTo(200);
      SpanData request = span("text_completion " + TestServer.MODEL);
      assertThat(request.getTraceId()).isEqualTo(TRACE);
      assertThat(request.getParentSpanId()).isEqualTo(CALLER);
      assertThat(request.getAttributes().get(AttributeKey.stringKey("gen_ai.operation.name")))
          .isEqualTo("text_completion");
      assertThat(request.getAttributes().get(AttributeKey.longKey("gen_ai.usage.output_tokens")))
          .isEqualTo(9);
      assertThat(request.getAttributes().get(AttributeKey.longKey("gen_ai.usage.input_tokens")))
          .isEqualTo(asked.json().at("/usage/prompt_tokens").asLong());
      assertThat(
              request
                  .getAttributes()
                  .get(AttributeKey.stringArrayKey("gen_ai.response.finish_reasons")))
          .isEqualTo(List.of("length"));
      assertThat(request.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
      for (String part : List.of("queue", "prefill", "decode", "stage 1")) {
        assertThat(span(part).getParentSpanId()).as(part).isEqualTo(request.getSpanId());
      }
      assertThat(
              span("stage 1").getAttributes().get(AttributeKey.longKey("sluice.stage.end_layer")))
          .isPositive();
      assertThat(exporter.getFinishedSpanItems()).noneMatch(s -> s.toString().contains("ab ba"));
    }
  }

  private static Source<TokenEvent, NotUsed> recovering(TokenRequest request) {
    return Source.from(
        List.of(
            new TokenEvent.Token(70, request.promptLength(), 1, 2, List.of()),
            new TokenEvent.Recovered(1, Duration.ofMillis(812)),
            new TokenEvent.Finished(
                FinishReason.STOP, new Usage(request.promptLength(), 1, 0), new Timings(1, 1, 1))));
  }

  @Test
  void shouldTraceRecoveriesThoughTheClientDidNotAskForThem() throws Exception {
    try (TestServer server = server()) {
      server.load(TracingTest::recovering);
      Asked asked = Asked.post(server.url() + "/v1/completions", BODY);
      assertThat(asked.status()).isEqualTo(200);
      assertThat(asked.text()).doesNotContain("recovery");
      assertThat(lengthOf(span("recovery"))).isEqualTo(Duration.ofMillis(812));
      assertThat(Asked.get(server.url() + "/metrics").text()).contains("sluice_recoveries_total 1");
    }
  }

  @Test
  void shouldTellWhyARequestFailed() throws Exception {
    try (TestServer server = server()) {
      server.load(
          _ ->
              Source.failed(
                  new GenerationException(GenerationException.Kind.NON_FINITE, "not a number")));
      assertThat(Asked.post(server.url() + "/v1/completions", BODY).status()).isEqualTo(500);
      SpanData request = span("text_completion " + TestServer.MODEL);
      assertThat(request.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
      assertThat(request.getAttributes().get(AttributeKey.stringKey("error.type")))
          .isEqualTo("non_finite");
    }
  }
}
