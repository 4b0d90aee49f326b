package dev.sluice.ops.serve.http;

import akka.http.javadsl.model.HttpMethod;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpResponse;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * What answers a method of a path.
 *
 * @param path the whole path; or, where it ends in a slash and is more than that, its beginning
 * @param scope what the caller must be allowed
 */
public record Route(HttpMethod method, String path, Scope scope, Handler handler) {
  /** Answers calls, on any thread; what it throws, at once or later, is an answer too. */
  public interface Handler {
    /** The answer. */
    CompletionStage<HttpResponse> handle(Call call);
  }

  /** A route that reads. */
  public static Route get(String path, Scope scope, Function<Call, HttpResponse> handler) {
    return new Route(HttpMethods.GET, path, scope, atOnce(handler));
  }

  /** A route that takes a body. */
  public static Route post(String path, Scope scope, Handler handler) {
    return new Route(HttpMethods.POST, path, scope, handler);
  }

  /** A handler that need not wait for anything. */
  public static Handler atOnce(Function<Call, HttpResponse> handler) {
    return call -> CompletableFuture.completedFuture(handler.apply(call));
  }

  boolean covers(String wanted) {
    boolean beginning = path.length() > 1 && path.endsWith("/");
    return beginning
        ? wanted.startsWith(path) && wanted.length() > path.length()
        : wanted.equals(path);
  }

  String rest(String wanted) {
    return wanted.substring(path.length());
  }
}
