package dev.sluice.ops.serve.http;

import akka.actor.ClassicActorSystemProvider;
import akka.http.javadsl.model.AttributeKeys;
import akka.http.javadsl.model.HttpEntity;
import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.RemoteAddress;
import akka.http.javadsl.model.headers.RawHeader;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes each request to its route: names it, sees who asks, reads the body within limits, and turns
 * whatever goes wrong into an answer. For any thread.
 */
public final class Service {
  private static final Logger LOG = LoggerFactory.getLogger(Service.class);
  private static final Duration BODY_TIME = Duration.ofSeconds(20);
  private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private final ClassicActorSystemProvider system;
  private final List<Route> routes;
  private final Gate gate;
  private final AccessLog log;
  private final long maxBodyBytes;

  /**
   * A service.
   *
   * @param gate who may do what
   * @param maxBodyBytes longest body
   */
  public Service(
      ClassicActorSystemProvider system,
      List<Route> routes,
      Gate gate,
      AccessLog log,
      long maxBodyBytes) {
    this.system = system;
    this.routes = List.copyOf(routes);
    this.gate = gate;
    this.log = log;
    this.maxBodyBytes = maxBodyBytes;
  }

  /** All routes. */
  public List<Route> routes() {
    return routes;
  }

  /**
   * Answers a request; never fails.
   *
   * @param gone completes when the connection has ended
   */
  CompletionStage<HttpResponse> handle(HttpRequest request, CompletionStage<?> gone) {
    long began = System.nanoTime();
    String id =
        request
            .getHeader("x-request-id")
            .map(HttpHeader::value)
            .filter(given -> REQUEST_ID.matcher(given).matches())
            .orElseGet(() -> "req-" + UUID.randomUUID());
    AccessLog.Entry entry = log.begin(id, remote(request), request, began);
    CompletionStage<HttpResponse> answer;
    try {
      answer = dispatch(request, id, gone, entry);
    } catch (RuntimeException e) {
      answer = CompletableFuture.failedFuture(e);
    }
    return answer
        .exceptionally(failure -> failed(failure, id))
        .thenApply(response -> entry.answered(finish(request, response, id)));
  }

  private HttpResponse finish(HttpRequest request, HttpResponse response, String id) {
    if (!(request.entity() instanceof HttpEntity.Strict)) {
      // Where the body was refused unread, the connection must not wait for somebody to read it.
      var _ = request.discardEntityBytes(system);
    }
    return gate.withCors(request, response).addHeader(RawHeader.create("X-Request-Id", id));
  }

  private CompletionStage<HttpResponse> dispatch(
      HttpRequest request, String id, CompletionStage<?> gone, AccessLog.Entry entry) {
    gate.checkOrigin(request);
    String path = request.getUri().path();
    List<Route> here = routes.stream().filter(route -> route.covers(path)).toList();
    if (here.isEmpty()) {
      throw ApiException.refused(
          404, "unknown_path", "there is nothing at " + request.method().name() + " " + path);
    }
    if (request.method().equals(HttpMethods.OPTIONS)) {
      return CompletableFuture.completedFuture(
          HttpResponse.create().withStatus(204).addHeader(allow(here)));
    }
    boolean head = request.method().equals(HttpMethods.HEAD);
    Route route =
        here.stream()
            .filter(r -> r.method().equals(head ? HttpMethods.GET : request.method()))
            .findFirst()
            .orElse(null);
    if (route == null) {
      ApiException refusal =
          ApiException.refused(
              405,
              "method_not_allowed",
              path + " knows " + allow(here).value() + ", not " + request.method().name());
      return CompletableFuture.completedFuture(Replies.error(refusal).addHeader(allow(here)));
    }
    Caller caller = gate.caller(request, route.scope());
    return body(request)
        .thenCompose(
            body -> {
              Call call = new Call(request, body, id, caller, gone, route.rest(path));
              entry.of(call);
              return route.handler().handle(call);
            });
  }

  private CompletionStage<byte[]> body(HttpRequest request) {
    ApiException tooLarge =
        ApiException.refused(
            413, "body_too_large", "the body may have at most " + maxBodyBytes + " bytes");
    if (request.entity().getContentLengthOption().orElse(0) > maxBodyBytes) {
      throw tooLarge;
    }
    return request
        .entity()
        .toStrict(BODY_TIME.toMillis(), maxBodyBytes, system.classicSystem())
        .thenApply(strict -> strict.getData().toArrayUnsafe())
        .exceptionally(
            failure -> {
              throw bodyFailure(failure, tooLarge);
            });
  }

  private static ApiException bodyFailure(Throwable failure, ApiException tooLarge) {
    return switch (unwrapped(failure)) {
      case akka.http.scaladsl.model.EntityStreamException _ -> tooLarge;
      case akka.http.scaladsl.model.EntityStreamSizeException _ -> tooLarge;
      case java.util.concurrent.TimeoutException _ ->
          ApiException.refused(
              408,
              "body_too_slow",
              "the body has not come within " + BODY_TIME.toSeconds() + " seconds");
      default ->
          ApiException.invalid(null, "invalid_body", "the body could not be read to its end");
    };
  }

  private static HttpHeader allow(List<Route> here) {
    return RawHeader.create(
        "Allow", here.stream().map(r -> r.method().name()).collect(Collectors.joining(", ")));
  }

  private static HttpResponse failed(Throwable failure, String id) {
    Throwable cause = unwrapped(failure);
    if (cause instanceof ApiException known) {
      return Replies.error(known);
    }
    LOG.error("Request {} failed", id, cause);
    return Replies.error(
        ApiException.failed("an error in the server; its log says more, with the id " + id));
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static String remote(HttpRequest request) {
    return request
        .getAttribute(AttributeKeys.remoteAddress)
        .flatMap(RemoteAddress::getAddress)
        .map(InetAddress::getHostAddress)
        .orElse("-");
  }
}
