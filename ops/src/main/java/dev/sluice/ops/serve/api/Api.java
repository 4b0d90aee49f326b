package dev.sluice.ops.serve.api;

import akka.actor.ClassicActorSystemProvider;
import dev.sluice.ops.serve.http.Route;
import dev.sluice.ops.serve.http.Scope;
import dev.sluice.ops.serve.model.Generations;
import java.util.List;

/** All endpoints. */
public final class Api {
  private Api() {}

  /**
   * The routes.
   *
   * @param system what answers are put together on
   */
  public static List<Route> routes(ClassicActorSystemProvider system, Generations generations) {
    ChatCompletions chat = new ChatCompletions(system, generations);
    Models models = new Models(generations);
    Health health = new Health(generations);
    return List.of(
        Route.post("/v1/chat/completions", Scope.GENERATE, chat::handle),
        Route.get("/v1/models", Scope.GENERATE, models::list),
        Route.get("/v1/models/", Scope.GENERATE, models::one),
        Route.get("/health", Scope.OPEN, health::health),
        Route.get("/ready", Scope.OPEN, health::ready));
  }
}
