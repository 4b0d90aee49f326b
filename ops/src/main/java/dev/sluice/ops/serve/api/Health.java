package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.model.Generations;
import java.time.Duration;
import java.util.Optional;

/** {@code GET /health} and {@code GET /ready}: 200, or 503 with the reason. */
final class Health {
  private static final Duration RETRY = Duration.ofSeconds(2);

  private final Generations generations;

  Health(Generations generations) {
    this.generations = generations;
  }

  /** Whether requests would be computed. */
  HttpResponse health(Call call) {
    Optional<String> trouble = generations.model().backend().trouble();
    if (trouble.isPresent()) {
      throw ApiException.unavailable("no_placement", trouble.get(), RETRY);
    }
    return Replies.json(json -> json.writeStringField("status", "ok"));
  }

  /** As {@link #health}; and whether new requests are let in. */
  HttpResponse ready(Call call) {
    if (generations.admission().isClosed()) {
      throw ApiException.unavailable("shutting_down", "the server is shutting down", RETRY);
    }
    return health(call);
  }
}
