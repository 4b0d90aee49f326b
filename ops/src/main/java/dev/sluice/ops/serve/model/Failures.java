package dev.sluice.ops.serve.model;

import akka.stream.AbruptStageTerminationException;
import akka.stream.AbruptTerminationException;
import akka.stream.StreamDetachedException;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.stages.chat.ChatTemplateException;
import dev.sluice.stages.flow.GenerationException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What went wrong in the model, as the client is told. */
public final class Failures {
  private static final Logger LOG = LoggerFactory.getLogger(Failures.class);
  private static final Duration RETRY = Duration.ofSeconds(5);

  private Failures() {}

  /** The failure of a generation. */
  public static ApiException of(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return switch (cause) {
      case ApiException known -> known;
      case GenerationException generation -> of(generation);
      case ChatTemplateException template ->
          ApiException.invalid("messages", "the model's chat template: " + template.problem());
      case CancellationException _ -> ended();
      case StreamDetachedException _ -> ended();
      case AbruptTerminationException _ -> ended();
      case AbruptStageTerminationException _ -> ended();
      case TimeoutException _ ->
          ApiException.late("the answer was not complete within the time that the request had");
      default -> {
        LOG.error("A generation failed", cause);
        yield ApiException.failed("the generation failed; the server's log says more");
      }
    };
  }

  private static ApiException of(GenerationException failure) {
    String text = String.valueOf(failure.getMessage());
    return switch (failure.kind()) {
      case INVALID_REQUEST -> ApiException.invalid(null, text);
      case OVERLOADED, NO_KV_PAGES ->
          ApiException.tooMany("overloaded", text, failure.retryAfter().orElse(RETRY));
      case UNAVAILABLE ->
          ApiException.unavailable("unavailable", text, failure.retryAfter().orElse(RETRY));
      case NON_FINITE, SHARD_FAILED, INTERNAL -> ApiException.failed(text);
    };
  }

  /** The client has gone, or the server is going; mostly nobody reads it. */
  private static ApiException ended() {
    return ApiException.unavailable("ended", "the generation was ended: try again", RETRY);
  }
}
