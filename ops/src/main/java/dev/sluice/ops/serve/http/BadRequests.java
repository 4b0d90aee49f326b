package dev.sluice.ops.serve.http;

import akka.event.LoggingAdapter;
import akka.http.ParsingErrorHandler;
import akka.http.javadsl.model.HttpResponse;
import akka.http.scaladsl.model.ErrorInfo;
import akka.http.scaladsl.model.StatusCode;
import akka.http.scaladsl.settings.ServerSettings;

/** Answers what is no HTTP request at all. Made by Akka HTTP, by the name in the settings. */
public final class BadRequests extends ParsingErrorHandler {
  /** For Akka HTTP. */
  public BadRequests() {}

  @Override
  public HttpResponse handle(
      StatusCode status, ErrorInfo error, LoggingAdapter log, ServerSettings settings) {
    return Replies.error(
        ApiException.refused(status.intValue(), "malformed_request", error.summary()));
  }
}
