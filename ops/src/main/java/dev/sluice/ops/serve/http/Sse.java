package dev.sluice.ops.serve.http;

import akka.NotUsed;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.headers.RawHeader;
import akka.stream.Attributes;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import java.time.Duration;

/** Server-sent events, as the HTML standard has them. */
public final class Sse {
  /** How long a stream is silent at most: then comes a comment, so that nobody thinks it dead. */
  public static final Duration KEEP_ALIVE = Duration.ofSeconds(15);

  /** The end of OpenAI's streams. */
  public static final ByteString DONE = ByteString.fromString("data: [DONE]\n\n");

  private static final ByteString COMMENT = ByteString.fromString(": keep-alive\n\n");

  private Sse() {}

  /** An event; JSON of one line. */
  public static ByteString data(String json) {
    return ByteString.fromString("data: " + json + "\n\n");
  }

  /** An event with a name. */
  public static ByteString named(String name, String json) {
    return ByteString.fromString("event: " + name + "\ndata: " + json + "\n\n");
  }

  /** An answer of events, sent as they come and as fast as they are read. */
  public static HttpResponse response(Source<ByteString, NotUsed> events) {
    return HttpResponse.create()
        .addHeader(RawHeader.create("Cache-Control", "no-cache"))
        .addHeader(RawHeader.create("X-Accel-Buffering", "no"))
        .withEntity(
            HttpEntities.createChunked(
                MediaTypes.TEXT_EVENT_STREAM.toContentType(),
                events
                    .keepAlive(KEEP_ALIVE, () -> COMMENT)
                    .addAttributes(Attributes.inputBuffer(1, 1))));
  }
}
