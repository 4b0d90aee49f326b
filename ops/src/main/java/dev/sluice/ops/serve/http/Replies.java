package dev.sluice.ops.serve.http;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.RawHeader;
import dev.sluice.ops.Json;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Answers. */
public final class Replies {
  private Replies() {}

  /** An object. */
  public static HttpResponse json(Json.Fields fields) {
    return json(200, Json.object(fields));
  }

  /** JSON that is written already. */
  public static HttpResponse json(int status, String json) {
    return HttpResponse.create()
        .withStatus(status)
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, json));
  }

  /** An error, with what tells clients whether to try again. */
  public static HttpResponse error(ApiException error) {
    List<HttpHeader> headers = new ArrayList<>();
    error
        .retryAfter()
        .ifPresent(after -> headers.add(RawHeader.create("Retry-After", seconds(after))));
    if (error.status() == 504) {
      // The same request would take as long again; OpenAI's clients know this header.
      headers.add(RawHeader.create("X-Should-Retry", "false"));
    }
    if (error.status() == 401) {
      headers.add(RawHeader.create("WWW-Authenticate", "Bearer"));
    }
    return json(error.status(), object(error)).addHeaders(headers);
  }

  /** An error as an object, as it is also sent within a stream that has begun. */
  public static String object(ApiException error) {
    return Json.object(
        json -> {
          json.writeObjectFieldStart("error");
          json.writeStringField("message", error.text());
          json.writeStringField("type", error.type());
          json.writeStringField("param", error.param());
          json.writeStringField("code", error.code());
          json.writeEndObject();
        });
  }

  /** Whole seconds, at least one. */
  private static String seconds(Duration after) {
    return Long.toString(Math.max(1, after.plusMillis(999).toSeconds()));
  }
}
