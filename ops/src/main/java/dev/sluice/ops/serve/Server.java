package dev.sluice.ops.serve;

import akka.http.javadsl.model.HttpMethods;
import dev.sluice.ops.serve.api.Api;
import dev.sluice.ops.serve.http.AccessLog;
import dev.sluice.ops.serve.http.Gate;
import dev.sluice.ops.serve.http.HttpPort;
import dev.sluice.ops.serve.http.Keys;
import dev.sluice.ops.serve.http.Route;
import dev.sluice.ops.serve.http.Scope;
import dev.sluice.ops.serve.http.Service;
import dev.sluice.ops.serve.live.LiveFeed;
import dev.sluice.ops.serve.live.PipelineMetrics;
import dev.sluice.ops.serve.live.Pulse;
import dev.sluice.ops.serve.model.Admission;
import dev.sluice.ops.serve.model.GenerationObserver;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.Metrics;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.ops.serve.page.Page;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP server. It listens from the start, and answers 503 until it is given its model. Whoever
 * starts it closes it.
 */
public final class Server implements AutoCloseable {
  private final HttpPort port;
  private final Admission admission;
  private final Generations generations;
  private final InetSocketAddress address;

  /**
   * What a server is told.
   *
   * @param port 0 takes a free one
   * @param sequences answers that are computed at a time
   * @param queue requests that may wait
   * @param maxBodyBytes longest body of a request
   * @param origins of web pages that may ask
   * @param accessLog takes a line for each request
   * @param logBodies whether these lines tell what was asked
   * @param tls makes an engine for each connection; null: plain HTTP
   * @param observer is told of every request, besides what the server counts itself
   */
  public record Settings(
      String host,
      int port,
      int sequences,
      int queue,
      long maxBodyBytes,
      Keys keys,
      Set<String> origins,
      Consumer<String> accessLog,
      boolean logBodies,
      @Nullable Supplier<SSLEngine> tls,
      GenerationObserver observer) {
    public Settings {
      origins = Set.copyOf(origins);
    }

    private static final GenerationObserver NOBODY = GenerationObserver.all(List.of());

    /** At a free port of this machine, for anyone. */
    public static Settings local(int sequences) {
      return new Settings(
          "127.0.0.1",
          0,
          sequences,
          256,
          8 << 20,
          Keys.NONE,
          Set.of(),
          _ -> {},
          false,
          null,
          NOBODY);
    }

    /** The same, with room for so many that wait. */
    public Settings withQueue(int requests) {
      return new Settings(
          host,
          port,
          sequences,
          requests,
          maxBodyBytes,
          keys,
          origins,
          accessLog,
          logBodies,
          tls,
          observer);
    }

    /** The same, for those who have a key. */
    public Settings withKeys(Keys some) {
      return new Settings(
          host,
          port,
          sequences,
          queue,
          maxBodyBytes,
          some,
          origins,
          accessLog,
          logBodies,
          tls,
          observer);
    }

    /** The same, with a log. */
    public Settings withAccessLog(Consumer<String> lines) {
      return new Settings(
          host,
          port,
          sequences,
          queue,
          maxBodyBytes,
          keys,
          origins,
          lines,
          logBodies,
          tls,
          observer);
    }

    /** The same, with somebody who is told of every request. */
    public Settings withObserver(GenerationObserver somebody) {
      return new Settings(
          host,
          port,
          sequences,
          queue,
          maxBodyBytes,
          keys,
          origins,
          accessLog,
          logBodies,
          tls,
          somebody);
    }

    /** The same, over TLS. */
    public Settings withTls(Supplier<SSLEngine> engines) {
      return new Settings(
          host,
          port,
          sequences,
          queue,
          maxBodyBytes,
          keys,
          origins,
          accessLog,
          logBodies,
          engines,
          observer);
    }
  }

  private Server(
      HttpPort port, Admission admission, Generations generations, InetSocketAddress address) {
    this.port = port;
    this.admission = admission;
    this.generations = generations;
    this.address = address;
  }

  /**
   * Opens the port.
   *
   * @throws IllegalStateException where it cannot be opened
   */
  public static Server start(Settings settings) {
    HttpPort port = HttpPort.create(settings.tls());
    try {
      Admission admission = new Admission(settings.sequences(), settings.queue(), System::nanoTime);
      Metrics metrics = new Metrics();
      Pulse pulse = new Pulse(System::currentTimeMillis);
      Generations generations =
          new Generations(
              admission, GenerationObserver.all(List.of(metrics, pulse, settings.observer())));
      LiveFeed live = new LiveFeed(generations, pulse, System::nanoTime);
      List<Route> routes = new ArrayList<>(Api.routes(port.system(), generations, metrics));
      routes.addAll(Page.routes());
      routes.add(Route.get("/live", Scope.WATCH, live::watch));
      PipelineMetrics numbers = new PipelineMetrics(live, metrics);
      routes.add(new Route(HttpMethods.GET, "/metrics", Scope.WATCH, numbers::scrape));
      Service service =
          new Service(
              port.system(),
              routes,
              new Gate(settings.keys(), settings.origins()),
              new AccessLog(settings.accessLog(), settings.logBodies()),
              settings.maxBodyBytes());
      InetSocketAddress address = port.open(settings.host(), settings.port(), service);
      return new Server(port, admission, generations, address);
    } catch (RuntimeException | Error e) {
      port.close();
      throw e;
    }
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return address;
  }

  /** From now on requests are answered by this model. */
  public void serve(ServedModel model) {
    generations.serve(model);
  }

  /**
   * Takes no new requests, and waits for those that it has.
   *
   * @param limit longest time to wait
   * @return how many were left
   */
  public int drain(Duration limit) throws InterruptedException {
    admission.close();
    port.stopAccepting();
    return admission.awaitEmpty(limit);
  }

  /** Ends whatever is left, and frees the port. */
  @Override
  public void close() {
    admission.close();
    port.close();
  }
}
