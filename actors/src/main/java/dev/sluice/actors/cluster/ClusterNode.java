package dev.sluice.actors.cluster;

import akka.NotUsed;
import akka.actor.Address;
import akka.actor.AddressFromURIString;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import akka.cluster.typed.JoinSeedNodes;
import akka.stream.javadsl.Source;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.NodeActor;
import dev.sluice.actors.NodeEnvironment;
import dev.sluice.actors.Systems;
import dev.sluice.actors.coordination.CoordinationSettings;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.gateway.GenerateStage;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.actors.weights.TransferLimits;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenGenerator;
import dev.sluice.stages.flow.TokenRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This process as a member of a cluster. When the member is removed from the cluster, because it
 * was thought dead or cut off, it ends its part and joins again as a new one. For any thread. Who
 * starts it closes it.
 */
public final class ClusterNode implements AutoCloseable {
  private static final Duration ASK = Duration.ofSeconds(8);

  /** How often a question that changes nothing is asked. */
  private static final int ASKS = 3;

  private static final Duration REJOIN_PAUSE = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  /** Events that a consumer may leave unread: tokens, and scores of a prompt. */
  private static final int WINDOW = 16;

  private static final int SCORE_WINDOW = 1024;

  private final ClusterSettings settings;
  private final int port;
  private final @Nullable NodeHost host;
  private final @Nullable ModelLibrary library;
  private final ClusterGuardian.Parts parts;
  private final KnownHosts hosts = new KnownHosts();
  private final HeadDirectory directory = new HeadDirectory("joining the cluster");
  private final Consumer<String> log;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CompletableFuture<Void> joined = new CompletableFuture<>();

  private volatile ActorSystem<ClusterGuardian.Command> system;

  /** Made when it is asked for: a node that only hosts layers runs no streams. */
  private @Nullable ActorSystem<Void> streams;

  private volatile boolean leaving;

  private ClusterNode(
      ClusterSettings settings,
      int port,
      @Nullable NodeHost host,
      @Nullable ModelLibrary library,
      Consumer<String> log) {
    this.settings = settings;
    this.library = library;
    this.port = port;
    this.host = host;
    this.log = log;
    Function<NodeId, NodeEnvironment> node =
        host == null || !settings.roles().contains(Role.SHARD)
            ? null
            : id -> host.environment(id, this::leave);
    ClusterPlacement placement =
        settings.roles().contains(Role.COORDINATOR) && library != null
            ? new ClusterPlacement(library, settings.config())
            : null;
    parts =
        new ClusterGuardian.Parts(
            library,
            TransferLimits.of(settings.config().getConfig("sluice.weights")),
            node,
            host == null ? _ -> {} : host.figures()::roundTrips,
            settings.config().getDuration("sluice.cluster.probe-interval"),
            placement,
            CoordinationSettings.cluster(settings.minNodes(), settings.startTimeout()),
            directory,
            hosts,
            named(),
            settings.join().isEmpty() || settings.join().getFirst().equals(address()));
    system = join();
  }

  /**
   * Starts a member and returns at once; {@link #joined} tells when it is one.
   *
   * @param library its models, closed after the member by whoever made it; null only for a process
   *     without the roles shard and coordinator
   * @param log takes one line at each change of its part, on any thread
   * @throws IllegalArgumentException for settings that do not go together
   * @throws dev.sluice.actors.PipelineException where a port cannot be opened
   */
  public static ClusterNode start(
      ClusterSettings settings, @Nullable ModelLibrary library, Consumer<String> log) {
    int port = settings.port() == 0 ? freePort(settings.host()) : settings.port();
    NodeHost host =
        settings.roles().contains(Role.SHARD) && library != null
            ? NodeHost.open(settings, port, library, log)
            : null;
    try {
      ClusterNode node = new ClusterNode(settings, port, host, library, log);
      Thread.ofPlatform().name("sluice-member").daemon(true).start(node::stayMember);
      return node;
    } catch (RuntimeException | Error e) {
      if (host != null) {
        host.close();
      }
      throw e;
    }
  }

  /** Host and port that other members reach it by. */
  public String address() {
    return settings.host() + ":" + port;
  }

  /** Completes when it is a member for the first time. */
  public CompletionStage<Void> joined() {
    return joined;
  }

  /** Where requests go: to whichever node is the head. */
  public TokenGenerator generator() {
    return this::generate;
  }

  private Source<TokenEvent, NotUsed> generate(TokenRequest request) {
    int window = request.scorePrompt() ? SCORE_WINDOW : WINDOW;
    return GenerateStage.source(directory, request, window, PATIENCE);
  }

  /** Where the head is. */
  public HeadDirectory directory() {
    return directory;
  }

  /**
   * The actor system that streams are to be run on. It is not the member's, so they go on when the
   * member is removed and joins again; it ends when this is closed.
   */
  public synchronized ActorSystem<?> system() {
    ActorSystem<Void> present = streams;
    if (present == null) {
      present = Systems.forStreams();
      streams = present;
    }
    return present;
  }

  /** What everybody does. */
  public CompletionStage<CoordinatorActor.Status> status() {
    return askAgain(CoordinatorActor.AskStatus::new, ASKS);
  }

  /** Places the layers anew; completes with what came of it. */
  public CompletionStage<String> rebalance() {
    return this.<CoordinatorActor.Answer>ask(CoordinatorActor.Rebalance::new)
        .thenApply(CoordinatorActor.Answer::text);
  }

  /** The other members, as this one knows them, ascending by address. */
  public List<MemberView> members() {
    Cluster cluster = Cluster.get(system);
    return MemberTable.view(cluster.state(), cluster.selfMember().uniqueAddress());
  }

  /** What rebalancing would do. */
  public CompletionStage<CoordinatorActor.Foreseen> outlook() {
    return askAgain(CoordinatorActor.AskOutlook::new, ASKS);
  }

  /**
   * Has a node give up its layers and leave.
   *
   * @param address host and port of that node
   */
  public CompletionStage<String> drain(String address) {
    ActorRef<NodeActor.Command> node =
        ActorRefResolver.get(system)
            .resolveActorRef(
                new Address("akka", AkkaConfig.SYSTEM, host(address), port(address))
                    + "/user/node");
    return AskPattern.<NodeActor.Command, CoordinatorActor.Answer>ask(
            node, NodeActor.Drain::new, ASK, system.scheduler())
        .thenApply(CoordinatorActor.Answer::text);
  }

  /** Host and port of the member that coordinates, as far as this one knows. */
  public CompletionStage<String> coordinatorAddress() {
    return coordinator()
        .thenApply(
            at -> {
              Address there = at.path().address();
              return there.getHost().map(h -> h + ":" + there.getPort().get()).orElse(address());
            });
  }

  private <T> CompletionStage<T> ask(Function<ActorRef<T>, CoordinatorActor.Command> question) {
    return coordinator()
        .thenCompose(to -> AskPattern.ask(to, question::apply, ASK, system.scheduler()))
        .exceptionallyCompose(
            failure -> CompletableFuture.failedStage(new IllegalStateException(reason(failure))));
  }

  /** The question or the answer may be lost, with a coordinator or before a link stands. */
  private <T> CompletionStage<T> askAgain(
      Function<ActorRef<T>, CoordinatorActor.Command> question, int times) {
    return ask(question)
        .exceptionallyCompose(
            failure ->
                times > 1 ? askAgain(question, times - 1) : CompletableFuture.failedStage(failure));
  }

  private static String reason(Throwable failure) {
    Throwable cause = Objects.requireNonNullElse(failure.getCause(), failure);
    return cause instanceof TimeoutException
        ? "the coordinator does not answer within " + ASK.toSeconds() + " s"
        : Objects.requireNonNullElse(cause.getMessage(), cause.toString());
  }

  private CompletionStage<ActorRef<CoordinatorActor.Command>> coordinator() {
    return AskPattern.<ClusterGuardian.Command, Optional<ActorRef<CoordinatorActor.Command>>>ask(
            system, ClusterGuardian.WhoCoordinates::new, ASK, system.scheduler())
        .thenApply(
            found ->
                found.orElseThrow(
                    () ->
                        new CompletionException(
                            new IllegalStateException("nobody coordinates the cluster"))));
  }

  /** Begins to leave: gives up its part, then its membership. {@link #await} tells when it has. */
  public void leave() {
    if (!leaving) {
      leaving = true;
      log.accept("leaving");
      system.tell(new ClusterGuardian.Depart());
    }
  }

  /** Waits until it has left. */
  public void await() throws InterruptedException {
    ended.await();
  }

  /** Leaves within the time that the settings give, and frees everything. */
  @Override
  public void close() {
    leave();
    try {
      if (!ended.await(settings.leaveTimeout().toMillis(), TimeUnit.MILLISECONDS)) {
        system.terminate();
        ended.await(settings.leaveTimeout().toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      system.terminate();
    }
    closeStreams();
  }

  /** Those that still run fail first, so that they can say why. */
  private synchronized void closeStreams() {
    directory.publish(new HeadDirectory.Closed("this process has left the cluster"));
    ActorSystem<Void> present = streams;
    if (present != null) {
      present.terminate();
    }
  }

  private ActorSystem<ClusterGuardian.Command> join() {
    ActorSystem<ClusterGuardian.Command> started =
        ActorSystem.create(
            ClusterGuardian.create(parts), AkkaConfig.SYSTEM, AkkaConfig.of(settings, port));
    Cluster cluster = Cluster.get(started);
    Address self = cluster.selfMember().address();
    List<Address> seeds = seeds(self);
    boolean discovers = host != null && seeds.isEmpty() && settings.management().joins();
    if (host != null) {
      openManagement(started, discovers);
    }
    if (!seeds.isEmpty()) {
      cluster.manager().tell(new JoinSeedNodes(seeds));
    } else if (!discovers) {
      cluster.manager().tell(Join.create(self));
    }
    return started;
  }

  /**
   * Whom to join. Those that the settings name, and whoever was seen before: a member that was
   * removed does not form a cluster of its own, since it was removed by one, unless most of the
   * others say that they look for one too ({@link ClusterGuardian.Seeks}).
   */
  private List<Address> seeds(Address self) {
    List<Address> seen = hosts.others(self);
    return Stream.concat(named().stream(), seen.stream())
        .filter(a -> seen.isEmpty() || !a.equals(self))
        .distinct()
        .toList();
  }

  private List<Address> named() {
    return settings.join().stream()
        .map(a -> AddressFromURIString.parse("akka://" + AkkaConfig.SYSTEM + "@" + a))
        .toList();
  }

  private void openManagement(ActorSystem<?> of, boolean discovers) {
    settings
        .management()
        .start(of, discovers)
        .whenComplete(
            (_, failure) -> {
              if (failure != null) {
                log.accept("the HTTP port cannot be opened: " + failure.getMessage());
              }
            });
  }

  /** A member, and a new one each time that it was removed, until it leaves. */
  private void stayMember() {
    try {
      while (true) {
        awaitMembership(system);
        system.getWhenTerminated().toCompletableFuture().get();
        if (leaving) {
          return;
        }
        log.accept("was removed from the cluster: joining again");
        directory.publish(new HeadDirectory.Missing("joining the cluster again"));
        Thread.sleep(REJOIN_PAUSE);
        system = join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | RuntimeException e) {
      log.accept("cannot join again: " + Objects.requireNonNullElse(e.getMessage(), "?"));
    } finally {
      if (library != null) {
        library.disconnect();
      }
      joined.completeExceptionally(new IllegalStateException("left before it was a member"));
      if (host != null) {
        host.close();
      }
      ended.countDown();
    }
  }

  private void awaitMembership(ActorSystem<?> of) throws InterruptedException {
    while (!leaving && !of.whenTerminated().isCompleted()) {
      if (Cluster.get(of).selfMember().status().equals(akka.cluster.MemberStatus.up())) {
        log.accept("member of the cluster at " + address());
        joined.complete(null);
        return;
      }
      Thread.sleep(50);
    }
  }

  /** A port that was free a moment ago. */
  private static int freePort(String host) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getByName(host), 0));
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "there is no free port at " + host + ": " + e.getMessage(), e);
    }
  }

  private static String host(String address) {
    return address.substring(0, Math.max(0, address.lastIndexOf(':')));
  }

  private static int port(String address) {
    try {
      return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("'" + address + "' is no HOST:PORT", e);
    }
  }

  /** Waits for a stage with a limit, and unwraps its failure. */
  public static <T> T get(CompletionStage<T> stage, Duration limit, String what) {
    try {
      return stage.toCompletableFuture().get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new IllegalStateException(what + ": no answer within " + limit.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new IllegalStateException(what + ": " + cause.getMessage(), cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(what + ": interrupted", e);
    }
  }
}
