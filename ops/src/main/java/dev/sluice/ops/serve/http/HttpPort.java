package dev.sluice.ops.serve.http;

import akka.Done;
import akka.NotUsed;
import akka.actor.ActorSystem;
import akka.http.javadsl.ConnectionContext;
import akka.http.javadsl.Http;
import akka.http.javadsl.ServerBinding;
import akka.http.javadsl.ServerBuilder;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.stream.javadsl.Flow;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * The server's port, on an actor system of its own, so that it stays open while a cluster's member
 * is made anew. Whoever opens it closes it.
 */
public final class HttpPort implements AutoCloseable {
  /**
   * Limits on whatever comes from outside. Akka's own time-outs for requests are off: deadlines are
   * the requests' own. The send buffer is small, so that a client that does not read is felt soon.
   */
  private static final String SETTINGS =
      """
      akka {
        loglevel = WARNING
        stdout-loglevel = OFF
        log-dead-letters = off
        log-dead-letters-during-shutdown = off
        jvm-shutdown-hooks = off
        coordinated-shutdown.run-by-jvm-shutdown-hook = off
        coordinated-shutdown.exit-jvm = off
        actor {
          provider = local
          allow-java-serialization = off
          default-dispatcher.fork-join-executor { parallelism-min = 2, parallelism-max = 8 }
        }
        http.server {
          server-header = sluice
          idle-timeout = 15 min
          request-timeout = infinite
          linger-timeout = 10 s
          max-connections = 2048
          pipelining-limit = 2
          remote-address-attribute = on
          backlog = 512
          socket-options { so-send-buffer-size = 64k, tcp-no-delay = true }
          parsing {
            max-uri-length = 2k
            max-method-length = 16
            max-header-name-length = 64
            max-header-value-length = 8k
            max-header-count = 64
            max-chunk-ext-length = 256
            max-chunk-size = 1m
            max-content-length = infinite
            illegal-header-warnings = off
            error-logging-verbosity = off
            error-handler = "dev.sluice.ops.serve.http.BadRequests"
          }
        }
      }
      """;

  /** Time that a connection has for its first request. */
  private static final Duration FIRST_REQUEST = Duration.ofSeconds(30);

  private static final Duration BIND = Duration.ofSeconds(10);
  private static final Duration END = Duration.ofSeconds(10);

  private final ActorSystem system;
  private final @Nullable Supplier<SSLEngine> tls;
  private @Nullable ServerBinding binding;

  private HttpPort(ActorSystem system, @Nullable Supplier<SSLEngine> tls) {
    this.system = system;
    this.tls = tls;
  }

  /**
   * Makes the port's actor system; {@link #open} opens the port.
   *
   * @param tls makes an engine for each connection; null: plain HTTP
   */
  public static HttpPort create(@Nullable Supplier<SSLEngine> tls) {
    Config config = ConfigFactory.parseString(SETTINGS).withFallback(ConfigFactory.load());
    return new HttpPort(ActorSystem.create("sluice-http", config), tls);
  }

  /** What answers can be streamed on. */
  public ActorSystem system() {
    return system;
  }

  /**
   * Opens the port.
   *
   * @return where it listens
   * @throws IllegalStateException where it cannot be opened
   */
  public InetSocketAddress open(String host, int port, Service service) {
    ServerBuilder builder = Http.get(system).newServerAt(host, port);
    Supplier<SSLEngine> engines = tls;
    if (engines != null) {
      builder = builder.enableHttps(ConnectionContext.httpsServer(engines::get));
    }
    try {
      binding =
          builder
              .bindFlow(connection(service))
              .toCompletableFuture()
              .get(BIND.toMillis(), TimeUnit.MILLISECONDS);
      return binding.localAddress();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while opening the port", e);
    } catch (TimeoutException | java.util.concurrent.ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IllegalStateException(
          "cannot listen at %s:%d: %s".formatted(host, port, cause.getMessage()), cause);
    }
  }

  /**
   * One connection. It knows when the client ends it, so that what was asked for can end too; to
   * see that, it listens for a next request while it answers one. A client that only says that it
   * will ask nothing more looks the same, as to most servers.
   */
  private static Flow<HttpRequest, HttpResponse, NotUsed> connection(Service service) {
    return Flow.<HttpRequest, HttpResponse, NotUsed>fromMaterializer(
            (_, _) -> {
              CompletableFuture<Done> gone = new CompletableFuture<>();
              return Flow.of(HttpRequest.class)
                  .initialTimeout(FIRST_REQUEST)
                  .watchTermination(
                      (_, ended) -> {
                        ended.whenComplete((_, _) -> gone.complete(Done.getInstance()));
                        return NotUsed.getInstance();
                      })
                  .mapAsync(2, request -> service.handle(request, gone));
            })
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }

  /** Takes no new connections; those that are open go on. */
  public void stopAccepting() {
    ServerBinding open = binding;
    if (open != null) {
      await(open.unbind().toCompletableFuture());
    }
  }

  @Override
  public void close() {
    ServerBinding open = binding;
    if (open != null) {
      await(open.terminate(Duration.ofSeconds(1)).toCompletableFuture());
    }
    system.terminate();
    await(system.getWhenTerminated().toCompletableFuture());
  }

  private static void await(CompletableFuture<?> end) {
    try {
      end.get(END.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (java.util.concurrent.ExecutionException | TimeoutException | CompletionException e) {
      // Nothing can be done about a port that does not close; the process ends anyway.
    }
  }
}
