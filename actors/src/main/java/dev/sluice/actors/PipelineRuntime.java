package dev.sluice.actors;

import akka.NotUsed;
import akka.actor.typed.ActorSystem;
import akka.stream.javadsl.Source;
import dev.sluice.actors.coordination.CoordinationSettings;
import dev.sluice.actors.gateway.GenerateStage;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.grammar.TokenVocabulary;
import dev.sluice.transport.Transport;
import dev.sluice.transport.TransportConfig;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a pipeline in one process consists of, opened in order and closed in reverse order. */
final class PipelineRuntime implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PipelineRuntime.class);

  private final PipelineOptions options;
  private final AutoCloseable resource;
  private final long startNanos = System.nanoTime();
  private final AtomicReference<PipelineStats.Scheduling> scheduling =
      new AtomicReference<>(PipelineStats.Scheduling.NONE);
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final NodeMonitors monitors = new NodeMonitors("");
  private final HeadDirectory directory = new HeadDirectory("the pipeline is starting");
  private @Nullable Transport transport;
  private @Nullable ActorSystem<NodeGuardian.Command> system;
  private @Nullable LocalPlan local;

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
    LocalPlan built = LocalPlan.of(plan, shape, options);
    local = built;
    await(built, factory, launched);
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

  /** Starts the actors and waits until the pipeline serves, or will not. */
  private void await(LocalPlan built, ShardFactory factory, Transport launched) {
    NodeEnvironment environment =
        new NodeEnvironment(
            LocalPlan.NODE,
            built::resources,
            launched,
            built.links(),
            loader(factory),
            options.activationLog(),
            monitors,
            scheduling,
            failure,
            LOG::debug,
            () -> {});
    CompletableFuture<HeadDirectory.Head> known = new CompletableFuture<>();
    Consumer<HeadDirectory.Head> subscriber =
        head -> {
          if (!(head instanceof HeadDirectory.Missing)) {
            known.complete(head);
          }
        };
    directory.subscribe(subscriber);
    CoordinationSettings settings = CoordinationSettings.standalone(options.startTimeout());
    system().tell(new NodeGuardian.Start(environment, settings, built, directory));
    HeadDirectory.Head head;
    try {
      head = known.get(options.startTimeout().toMillis() + 5_000, TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new PipelineException("The pipeline could not be started", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PipelineException("Interrupted while the pipeline was started", e);
    } finally {
      directory.unsubscribe(subscriber);
    }
    switch (head) {
      case HeadDirectory.Closed(String reason) -> throw refused(reason);
      case HeadDirectory.Unavailable(String reason, var _) -> throw refused(reason);
      case HeadDirectory.At _, HeadDirectory.Missing _ -> {}
    }
  }

  private ShardLoader loader(ShardFactory factory) {
    return new ShardLoader() {
      @Override
      public ModelShard load(String model, ShardOptions shard) {
        return factory.load(shard.withAdapters(options.adapters()));
      }

      @Override
      public TokenVocabulary vocabulary(String model) {
        return factory.vocabulary();
      }
    };
  }

  /** A bad model file is the caller's to hear about as such. */
  private RuntimeException refused(String reason) {
    Throwable cause = failure.get();
    if (cause instanceof ModelFileException badFile) {
      return badFile;
    }
    String message = "The pipeline could not be started: " + reason;
    return cause == null ? new PipelineException(message) : new PipelineException(message, cause);
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

  Source<TokenEvent, NotUsed> generate(TokenRequest request) {
    return GenerateStage.source(directory, request, window(request), options.queueTimeout());
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
    int rows = local().sizes().maxLogitRows();
    return least + 1 + rows * (local().plan().stages().size() + 1);
  }

  HeadDirectory directory() {
    return directory;
  }

  PipelineStats stats() {
    long now = System.nanoTime();
    return new PipelineStats(
        now - startNanos,
        monitors.epoch(),
        monitors.stages(),
        monitors.overlapNanos(now),
        Objects.requireNonNullElse(scheduling.get(), PipelineStats.Scheduling.NONE));
  }

  ShardPlan plan() {
    return local().plan();
  }

  ActorSystem<NodeGuardian.Command> system() {
    ActorSystem<NodeGuardian.Command> actors = system;
    if (actors == null) {
      throw new IllegalStateException("not started");
    }
    return actors;
  }

  private LocalPlan local() {
    LocalPlan built = local;
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
