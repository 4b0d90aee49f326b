package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.ResumableStreams;
import dev.sluice.ops.serve.http.Sse;
import java.util.Optional;

/**
 * {@code GET /v1/stream/ID} goes on with a stream whose connection was lost, behind the event that
 * the header Last-Event-ID names or from {@code ?from=N}; {@code DELETE} ends it.
 */
final class Resumption {
  private final ResumableStreams streams;

  Resumption(ResumableStreams streams) {
    this.streams = streams;
  }

  HttpResponse resume(Call call) {
    String id = call.rest();
    Optional<String> from = call.query("from");
    long first =
        from.isPresent()
            ? number("from", from.get())
            : call.header("last-event-id").map(last -> behind(id, last)).orElse(0L);
    return Sse.response(streams.resume(id, call.caller(), first));
  }

  HttpResponse end(Call call) {
    streams.end(call.rest(), call.caller());
    return HttpResponse.create().withStatus(204);
  }

  /** An event's id is its stream's and its number. */
  private static long behind(String id, String last) {
    if (!last.startsWith(id + "/")) {
      throw ApiException.invalid(
          "Last-Event-ID", "Last-Event-ID names an event of another stream than " + id);
    }
    return number("Last-Event-ID", last.substring(id.length() + 1)) + 1;
  }

  private static long number(String what, String text) {
    try {
      long number = Long.parseLong(text);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw ApiException.invalid(what, what + ": must be the number of an event");
  }
}
