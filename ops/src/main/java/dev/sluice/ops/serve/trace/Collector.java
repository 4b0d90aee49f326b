package dev.sluice.ops.serve.trace;

import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The way of traces out of this process, by OTLP over HTTP. What OpenTelemetry's environment
 * variables say holds here too: names, headers, certificates, sampling.
 */
public final class Collector implements AutoCloseable {
  private static final Map<String, String> USUAL =
      Map.of(
          "otel.service.name", "sluice",
          "otel.exporter.otlp.protocol", "http/protobuf",
          "otel.traces.exporter", "otlp",
          "otel.metrics.exporter", "none",
          "otel.logs.exporter", "none");

  private final OpenTelemetrySdk sdk;

  private Collector(OpenTelemetrySdk sdk) {
    this.sdk = sdk;
  }

  /**
   * A collector, if one is named.
   *
   * @param endpoint such as {@code http://127.0.0.1:4318}; null: as the environment says
   */
  public static Optional<Collector> of(@Nullable String endpoint) {
    boolean named =
        endpoint != null
            || Stream.of("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
                .map(System::getenv)
                .anyMatch(value -> value != null && !value.isBlank());
    return named ? Optional.of(start(endpoint)) : Optional.empty();
  }

  private static Collector start(@Nullable String endpoint) {
    Map<String, String> told = new HashMap<>();
    if (endpoint != null) {
      told.put("otel.exporter.otlp.endpoint", endpoint);
    }
    return new Collector(
        AutoConfiguredOpenTelemetrySdk.builder()
            .addPropertiesSupplier(() -> USUAL)
            .addPropertiesCustomizer(_ -> told)
            .disableShutdownHook()
            .build()
            .getOpenTelemetrySdk());
  }

  /** What traces requests. */
  public Tracing tracing() {
    return new Tracing(sdk.getTracer("dev.sluice"));
  }

  /** Sends what is left, for some seconds at most. */
  @Override
  public void close() {
    sdk.close();
  }
}
