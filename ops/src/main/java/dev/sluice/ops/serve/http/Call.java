package dev.sluice.ops.serve.http;

import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpRequest;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through the server: who asks, what was said, and what the log is to hold.
 * Written by the thread that handles it; the log reads it when the answer has ended.
 */
public final class Call {
  private final HttpRequest request;
  private final byte[] body;
  private final String id;
  private final Caller caller;
  private final CompletionStage<?> gone;
  private final String rest;
  private final CompletableFuture<String> ended = new CompletableFuture<>();

  private volatile int promptTokens = -1;
  private volatile int generatedTokens = -1;
  private volatile @Nullable String user;

  /**
   * A request.
   *
   * @param id unique, for logs of both sides
   * @param gone completes when the client's connection has ended
   * @param rest what the path says behind the route's own
   */
  Call(
      HttpRequest request,
      byte[] body,
      String id,
      Caller caller,
      CompletionStage<?> gone,
      String rest) {
    this.request = request;
    this.body = body;
    this.id = id;
    this.caller = caller;
    this.gone = gone;
    this.rest = rest;
  }

  /** The body's fields. */
  public JsonFields json() {
    return JsonFields.parse(body);
  }

  /** What the path says behind the route's own, decoded. */
  public String rest() {
    return rest;
  }

  /** The whole path. */
  public String path() {
    return request.getUri().path();
  }

  /** A parameter behind the path's question mark. */
  public Optional<String> query(String name) {
    return request.getUri().query().get(name);
  }

  /** A header. */
  public Optional<String> header(String name) {
    return request.getHeader(name).map(HttpHeader::value);
  }

  public String id() {
    return id;
  }

  public Caller caller() {
    return caller;
  }

  /** Completes when nobody waits for the answer any more. */
  public CompletionStage<?> gone() {
    return gone;
  }

  /** What the request used, for the log. */
  public void used(int promptTokens, int generatedTokens) {
    this.promptTokens = promptTokens;
    this.generatedTokens = generatedTokens;
  }

  /** For whom the client asks, as it says. */
  public void user(String name) {
    user = name;
  }

  /** For an answer that goes on after its head was sent: it has ended so. */
  public void ended(String how) {
    ended.complete(how);
  }

  CompletionStage<String> whenEnded() {
    return ended;
  }

  OptionalInt promptTokens() {
    return promptTokens < 0 ? OptionalInt.empty() : OptionalInt.of(promptTokens);
  }

  OptionalInt generatedTokens() {
    return generatedTokens < 0 ? OptionalInt.empty() : OptionalInt.of(generatedTokens);
  }

  @Nullable String user() {
    return user;
  }

  byte[] body() {
    return body;
  }
}
