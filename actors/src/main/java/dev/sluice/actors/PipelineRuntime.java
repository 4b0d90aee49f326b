package dev.sluice.actors;

import akka.NotUsed;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import akka.stream.javadsl.Source;
import dev.sluice.actors.gateway.GenerateStage;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.transport.LinkAddress;
import dev.sluice.transport.Transport;
import dev.sluice.transport.TransportConfig;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a pipeline in one process consists of, opened in order and closed in reverse order. */
final class PipelineRuntime implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PipelineRuntime.class);
  private static final String LOOPBACK = "127.0.0.1";

  private final PipelineOptions options;
  private final AutoCloseable resource;
  private final long startNanos = System.nanoTime();
  private final AtomicReference<PipelineStats.Scheduling> scheduling =
      new AtomicReference<>(PipelineStats.Scheduling.NONE);
  private final AtomicInteger epochs = new AtomicInteger();
  private final HeadDirectory directory = new HeadDirectory("the pipeline is starting");
  private @Nullable Transport transport;
  private @Nullable ActorSystem<NodeGuardian.Command> system;
  private @Nullable PipelineBlueprint blueprint;
  private @Nullable BusyTracker overlap;

  PipelineRuntime(PipelineOptions options, AutoCloseable resource) {
    this.options = options;
    this.resource = resource;
  }

  /** Opens all of it; the caller closes this also when it fails. */
  void start(ShardPlan plan, ModelShape shape, ShardFactory factory) {
    // The media driver and the actor system take about the same time to start.
    FutureTask<Transport> launch = new FutureTask<>(() -> Transport.launch(config(shape)));
    Thread.ofPlatform().name("sluice-transport-launch").daemon(true).start(launch);
    RuntimeException failure = null;
    try {
      system = Systems.start();
    } catch (RuntimeException e) {
      failure = e;
    }
    Transport launched = launched(launch);
    transport = launched;
    if (failure != null) {
      throw failure;
    }
    BusyTracker tracker = new BusyTracker(plan.ranges().size(), startNanos);
    overlap = tracker;
    List<StageMonitor> monitors = new ArrayList<>();
    plan.stages().forEach(s -> monitors.add(new StageMonitor(s.stage(), s.range(), tracker)));
    PipelineBlueprint built =
        new PipelineBlueprint(plan, shape, options, factory, launched, links(), monitors);
    blueprint = built;
    directory.publish(new HeadDirectory.At(await(built)));
    String ended = "the pipeline has ended";
    var _ =
        system()
            .getWhenTerminated()
            .thenRun(() -> directory.publish(new HeadDirectory.Closed(ended)));
  }

  private static Transport launched(FutureTask<Transport> launch) {
    try {
      return launch.get();
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new PipelineException(
          "The links could not be set up: " + StageMonitor.describe(cause), cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PipelineException("Interrupted while the links were set up", e);
    }
  }

  private ActorRef<SchedulerActor.Command> await(PipelineBlueprint built) {
    ActorSystem<NodeGuardian.Command> actors = system();
    Duration limit = options.startTimeout().plusSeconds(5);
    CompletableFuture<PipelineCoordinator.Outcome> started =
        AskPattern.<NodeGuardian.Command, PipelineCoordinator.Outcome>ask(
                actors,
                replyTo -> new NodeGuardian.StartPipeline(built, scheduling, epochs, replyTo),
                limit,
                actors.scheduler())
            .toCompletableFuture();
    PipelineCoordinator.Outcome outcome;
    try {
      outcome = started.get(limit.toMillis() + 1_000, TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new PipelineException("The pipeline could not be started", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PipelineException("Interrupted while the pipeline was started", e);
    }
    return switch (outcome) {
      case PipelineCoordinator.Started ready -> ready.scheduler();
      case PipelineCoordinator.StartFailed failed -> throw refused(failed);
    };
  }

  /** A bad model file is the caller's to hear about as such. */
  private static RuntimeException refused(PipelineCoordinator.StartFailed failed) {
    if (failed.cause() instanceof ModelFileException badFile) {
      return badFile;
    }
    String message = "The pipeline could not be started: " + failed.reason();
    return failed.cause() == null
        ? new PipelineException(message)
        : new PipelineException(message, failed.cause());
  }

  private TransportConfig config(ModelShape shape) {
    long frame = (long) options.effectiveTokenBudget() * shape.embeddingLength() * Float.BYTES;
    TransportConfig.Builder builder = TransportConfig.builder();
    if (frame > TransportConfig.MAX_PAYLOAD_BYTES) {
      throw new PipelineException(
          "A micro-batch of "
              + options.effectiveTokenBudget()
              + " tokens is "
              + frame
              + " bytes of activations, and a frame has at most "
              + TransportConfig.MAX_PAYLOAD_BYTES
              + ": lower the token budget");
    }
    int tokens = shape.contextTokens();
    builder.maxPayloadBytes(
        (int)
            Math.min(
                TransportConfig.MAX_PAYLOAD_BYTES,
                Math.max(64L << 20, Math.max(frame, 8L * tokens + (1 << 20)))));
    if (options.link() == LinkKind.UDP) {
      // Loopback takes large datagrams; fewer of them cost less.
      builder.udpMtu(65_504);
    }
    options.aeronDirectory().ifPresent(d -> builder.aeronDirectory(d).embeddedDriver(false));
    return builder.build();
  }

  private IntFunction<LinkAddress> links() {
    return switch (options.link()) {
      case IPC -> {
        // Others may use the same external driver; streams of their own keep pipelines apart.
        int base =
            options.aeronDirectory().isPresent() ? new SecureRandom().nextInt(1 << 20) << 10 : 0;
        yield stream -> LinkAddress.ipc(base + stream);
      }
      case UDP -> {
        int port = freePort();
        // One port for all links: streams tell them apart.
        yield stream -> LinkAddress.udp(LOOPBACK, port, stream);
      }
    };
  }

  /**
   * A port that was free a moment ago; should another process take it, starting fails and says so.
   */
  private static int freePort() {
    try (DatagramSocket socket =
        new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new PipelineException("There is no free UDP port on " + LOOPBACK, e);
    }
  }

  Source<TokenEvent, NotUsed> generate(TokenRequest request) {
    return Source.fromGraph(
        new GenerateStage(directory, request, window(request), options.queueTimeout()));
  }

  /**
   * Most events of a request that its consumer has not taken. Scoring gives many for each
   * micro-batch and none of them for long: it gets room for those in flight.
   */
  private int window(TokenRequest request) {
    // A row may cause the event that tells of a recovery besides its own.
    int least = options.unreadLimit() + (request.tellRecoveries() ? 1 : 0);
    if (!request.scorePrompt()) {
      return least;
    }
    int rows = options.effectiveLogitRows(blueprint().shape().vocabularySize());
    return least + 1 + rows * (blueprint().stages() + 1);
  }

  PipelineStats stats() {
    BusyTracker tracker = overlap;
    if (tracker == null) {
      throw new IllegalStateException("not started");
    }
    long now = System.nanoTime();
    return new PipelineStats(
        now - startNanos,
        epochs.get(),
        blueprint().stageStats(),
        tracker.nanos(now),
        Objects.requireNonNullElse(scheduling.get(), PipelineStats.Scheduling.NONE));
  }

  ShardPlan plan() {
    return blueprint().plan();
  }

  ActorSystem<NodeGuardian.Command> system() {
    ActorSystem<NodeGuardian.Command> actors = system;
    if (actors == null) {
      throw new IllegalStateException("not started");
    }
    return actors;
  }

  private PipelineBlueprint blueprint() {
    PipelineBlueprint built = blueprint;
    if (built == null) {
      throw new IllegalStateException("not started");
    }
    return built;
  }

  @Override
  public void close() {
    directory.publish(new HeadDirectory.Closed("the pipeline was closed"));
    boolean ended = true;
    if (system != null) {
      system.tell(new NodeGuardian.Stop());
      ended = awaitEnd(system, options.closeTimeout());
    }
    if (!ended) {
      LOG.error(
          "The pipeline has not ended within {}; what its threads use is left to them",
          options.closeTimeout());
      system().terminate();
    }
    if (transport != null) {
      transport.close();
    }
    if (ended) {
      try {
        resource.close();
      } catch (Exception e) {
        LOG.warn("Closing failed", e);
      }
    }
  }

  private static boolean awaitEnd(ActorSystem<?> system, Duration limit) {
    try {
      system.getWhenTerminated().toCompletableFuture().get(limit.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (ExecutionException e) {
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
