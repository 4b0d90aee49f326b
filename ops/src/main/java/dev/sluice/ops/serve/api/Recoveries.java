package dev.sluice.ops.serve.api;

import akka.util.ByteString;
import dev.sluice.ops.Json;
import dev.sluice.ops.serve.http.Sse;
import dev.sluice.stages.flow.TextEvent;

/** Tells of a loss that was overcome, to clients that asked to be told. */
final class Recoveries {
  private Recoveries() {}

  static ByteString event(int choice, TextEvent.Recovered recovered) {
    return Sse.named(
        "sluice.recovery",
        Json.object(
            json -> {
              json.writeNumberField("index", choice);
              json.writeNumberField("token", recovered.tokens());
              json.writeNumberField("pause_ms", recovered.pause().toMillis());
            }));
  }
}
