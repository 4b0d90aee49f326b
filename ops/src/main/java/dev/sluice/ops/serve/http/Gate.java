package dev.sluice.ops.serve.http;

import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.RawHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Who may do what: keys, and which web pages of other origins may ask. Without a rule for them,
 * pages of other origins are refused, since a browser would send their requests with whatever
 * rights its user has.
 */
public final class Gate {
  private static final String BEARER = "bearer ";

  private final Keys keys;
  private final Set<String> origins;

  /**
   * A gate.
   *
   * @param origins such as {@code https://example.org}; {@code *}: any
   */
  public Gate(Keys keys, Set<String> origins) {
    this.keys = keys;
    this.origins = Set.copyOf(origins);
  }

  /**
   * The caller of a request.
   *
   * @throws ApiException where a key is missing, unknown or not allowed to do this
   */
  Caller caller(HttpRequest request, Scope scope) {
    if (scope == Scope.OPEN) {
      return Caller.ANYONE;
    }
    Optional<String> key = key(request);
    Caller caller =
        keys.caller(key)
            .orElseThrow(
                () ->
                    key.isEmpty()
                        ? ApiException.refused(
                            401,
                            "missing_api_key",
                            "an API key is needed: send the header Authorization: Bearer KEY")
                        : ApiException.refused(
                            401, "invalid_api_key", "this API key is not known here"));
    if (!caller.may(scope)) {
      throw ApiException.refused(
          403,
          "insufficient_scope",
          "the key "
              + caller.name()
              + " has not the scope "
              + scope.name().toLowerCase(Locale.ROOT));
    }
    return caller;
  }

  private static Optional<String> key(HttpRequest request) {
    return request
        .getHeader("authorization")
        .map(HttpHeader::value)
        .filter(value -> value.toLowerCase(Locale.ROOT).startsWith(BEARER))
        .map(value -> value.substring(BEARER.length()).strip())
        .filter(key -> !key.isEmpty());
  }

  /**
   * Refuses requests that a page of another origin makes a browser send.
   *
   * @throws ApiException where the origin is neither this server's nor allowed
   */
  void checkOrigin(HttpRequest request) {
    Optional<String> origin = origin(request);
    if (origin.isPresent() && !isAllowed(origin.get()) && !isOwn(origin.get(), request)) {
      throw ApiException.refused(
          403,
          "origin_not_allowed",
          "pages of other origins may not ask here; --cors-origin allows them");
    }
  }

  /** The answer, readable to the page that asked, where its origin is allowed. */
  HttpResponse withCors(HttpRequest request, HttpResponse response) {
    Optional<String> origin = origin(request).filter(this::isAllowed);
    if (origin.isEmpty()) {
      return response;
    }
    List<HttpHeader> headers = new ArrayList<>();
    headers.add(RawHeader.create("Access-Control-Allow-Origin", origin.get()));
    headers.add(RawHeader.create("Vary", "Origin"));
    headers.add(RawHeader.create("Access-Control-Expose-Headers", "X-Request-Id, Retry-After"));
    if (request.method().equals(HttpMethods.OPTIONS)) {
      headers.add(RawHeader.create("Access-Control-Allow-Methods", "GET, POST, DELETE"));
      headers.add(
          RawHeader.create(
              "Access-Control-Allow-Headers",
              "Authorization, Content-Type, Last-Event-ID, X-Request-Id"));
      headers.add(RawHeader.create("Access-Control-Max-Age", "600"));
    }
    return response.addHeaders(headers);
  }

  private boolean isAllowed(String origin) {
    return origins.contains("*") || origins.contains(origin);
  }

  private static boolean isOwn(String origin, HttpRequest request) {
    String host = request.getHeader("host").map(HttpHeader::value).orElse("");
    return !host.isEmpty()
        && (origin.equalsIgnoreCase("http://" + host)
            || origin.equalsIgnoreCase("https://" + host));
  }

  private static Optional<String> origin(HttpRequest request) {
    return request.getHeader("origin").map(HttpHeader::value);
  }
}
