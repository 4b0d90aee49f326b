package dev.sluice.ops.serve.api;

import akka.actor.ActorSystem;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpResponse;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.ResumableStreams;
import dev.sluice.ops.serve.http.Route;
import dev.sluice.ops.serve.http.Scope;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.Metrics;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** All endpoints. */
public final class Api {
  /** How long a stream waits for its client to come back. */
  private static final Duration RESUME = Duration.ofSeconds(30);

  private Api() {}

  /**
   * The routes.
   *
   * @param system what answers are put together on
   */
  public static List<Route> routes(ActorSystem system, Generations generations, Metrics metrics) {
    ResumableStreams resumable = new ResumableStreams(system, RESUME);
    Streaming streaming = new Streaming(system, resumable);
    ChatCompletions chat = new ChatCompletions(streaming, generations);
    Completions completions = new Completions(streaming, generations);
    Responses responses = new Responses(streaming, generations);
    Resumption resumption = new Resumption(resumable);
    Models models = new Models(generations);
    Tokens tokens = new Tokens(generations);
    Status status = new Status(generations, metrics);
    return List.of(
        Route.post("/v1/chat/completions", Scope.GENERATE, chat::handle),
        Route.post("/v1/completions", Scope.GENERATE, completions::handle),
        Route.post("/v1/responses", Scope.GENERATE, responses::handle),
        Route.post("/v1/embeddings", Scope.GENERATE, Api::embeddings),
        Route.get("/v1/stream/", Scope.GENERATE, resumption::resume),
        new Route(HttpMethods.DELETE, "/v1/stream/", Scope.GENERATE, Route.atOnce(resumption::end)),
        Route.get("/v1/models", Scope.GENERATE, models::list),
        Route.get("/v1/models/", Scope.GENERATE, models::one),
        Route.post("/tokenize", Scope.GENERATE, tokens::tokenize),
        Route.post("/detokenize", Scope.GENERATE, tokens::detokenize),
        Route.post("/apply-template", Scope.GENERATE, tokens::applyTemplate),
        Route.get("/health", Scope.OPEN, status::health),
        Route.get("/ready", Scope.OPEN, status::ready),
        Route.get("/props", Scope.WATCH, status::props),
        Route.get("/slots", Scope.WATCH, status::slots),
        Route.get("/openapi.json", Scope.OPEN, status::openApi));
  }

  private static CompletionStage<HttpResponse> embeddings(Call call) {
    throw ApiException.invalid(
        "model",
        "unsupported_endpoint",
        "the model that is served here writes text, and gives no embeddings");
  }
}
