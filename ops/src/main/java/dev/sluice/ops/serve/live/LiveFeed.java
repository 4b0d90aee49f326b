package dev.sluice.ops.serve.live;

import akka.NotUsed;
import akka.http.javadsl.model.HttpResponse;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import dev.sluice.ops.Json;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Sse;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.PipelineView;
import dev.sluice.ops.serve.model.ServedModel;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * {@code GET /live}: twice a second an event {@code state} with all that the page shows. All
 * viewers share one look at the pipeline; who reads slowly gets fewer events, never older ones, and
 * while nobody looks nothing is asked. For any thread.
 */
public final class LiveFeed {
  private static final Duration PERIOD = Duration.ofMillis(500);
  private static final long FRESH_NANOS = Duration.ofMillis(400).toNanos();
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final int MAX_VIEWERS = 64;

  private final Generations generations;
  private final Pulse pulse;
  private final LongSupplier nanos;
  private final AtomicInteger viewers = new AtomicInteger();
  private @Nullable CompletionStage<PipelineView> latest;
  private long latestNanos;

  /**
   * A feed.
   *
   * @param nanos ascending
   */
  public LiveFeed(Generations generations, Pulse pulse, LongSupplier nanos) {
    this.generations = generations;
    this.pulse = pulse;
    this.nanos = nanos;
  }

  /**
   * The events, until the server is told to end.
   *
   * @throws ApiException where too many look already
   */
  public HttpResponse watch(Call call) {
    if (viewers.incrementAndGet() > MAX_VIEWERS) {
      viewers.decrementAndGet();
      throw ApiException.tooMany(
          "too_many_viewers", MAX_VIEWERS + " clients watch already", Duration.ofSeconds(10));
    }
    return Sse.response(events(call));
  }

  private Source<ByteString, NotUsed> events(Call call) {
    return Source.tick(Duration.ZERO, PERIOD, NotUsed.getInstance())
        .takeWhile(_ -> !generations.admission().isClosed())
        .mapAsync(1, _ -> state())
        .map(json -> Sse.named("state", json))
        .watchTermination(
            (_, ended) -> {
              ended.whenComplete(
                  (_, _) -> {
                    viewers.decrementAndGet();
                    call.ended("left");
                  });
              return NotUsed.getInstance();
            });
  }

  /** Clients that watch now. */
  public int viewers() {
    return viewers.get();
  }

  private CompletionStage<String> state() {
    return view().thenApply(this::json);
  }

  /** How the pipeline does, as of a moment ago; never fails. */
  synchronized CompletionStage<PipelineView> view() {
    long now = nanos.getAsLong();
    if (latest == null || now - latestNanos >= FRESH_NANOS) {
      latest = look();
      latestNanos = now;
    }
    return latest;
  }

  private CompletionStage<PipelineView> look() {
    Optional<ServedModel> model = generations.loaded();
    if (model.isEmpty()) {
      return CompletableFuture.completedFuture(
          none(PipelineView.State.BUILDING, "the model is being loaded"));
    }
    CompletableFuture<PipelineView> asked;
    try {
      asked = model.get().backend().view().toCompletableFuture().copy();
    } catch (RuntimeException e) {
      asked = CompletableFuture.failedFuture(e);
    }
    return asked
        .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .handle(
            (view, failure) -> {
              if (failure != null) {
                return none(PipelineView.State.UNAVAILABLE, text(failure));
              }
              pulse.epoch(view.epoch(), view.why());
              return view;
            });
  }

  private static PipelineView none(PipelineView.State state, String why) {
    return new PipelineView(state, why, 0, "", 0, 0, List.of(), List.of(), List.of());
  }

  private static String text(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause.getMessage() == null
        ? "the pipeline's state is not known at the moment"
        : cause.getMessage();
  }

  private String json(PipelineView view) {
    return Json.object(
        json ->
            LiveState.write(
                json,
                generations.loaded().orElse(null),
                view,
                pulse,
                generations.admission(),
                System.currentTimeMillis()));
  }
}
