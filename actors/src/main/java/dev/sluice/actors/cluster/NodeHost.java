package dev.sluice.actors.cluster;

import com.sun.management.OperatingSystemMXBean;
import com.typesafe.config.Config;
import dev.sluice.actors.LinkPlan;
import dev.sluice.actors.NodeEnvironment;
import dev.sluice.actors.NodeMonitors;
import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.ShardLoader;
import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeResources;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.actors.probe.KernelSpeed;
import dev.sluice.actors.probe.MatrixKind;
import dev.sluice.actors.probe.NodeFigures;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.kernel.KernelChoice;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ModelShards;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.stages.grammar.TokenVocabulary;
import dev.sluice.stages.tokenizer.Tokenizer;
import dev.sluice.transport.Transport;
import dev.sluice.transport.TransportConfig;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a process that hosts layers has, over all its memberships: links, threads, memory, models.
 */
final class NodeHost implements AutoCloseable {
  private static final int LOOPBACK_MTU = 65_504;

  private final DataAddress data;
  private final long memoryBytes;
  private final int cores;
  private final ModelLibrary library;
  private final Consumer<String> log;
  private final Transport transport;
  private final LogLimits activationLog;
  private final WorkerPool pool;
  private final NodeFigures figures;

  private NodeHost(
      DataAddress data,
      long memoryBytes,
      LogLimits activationLog,
      int cores,
      KernelChoice kernels,
      boolean measure,
      ModelLibrary library,
      Consumer<String> log,
      Transport transport) {
    this.data = data;
    this.memoryBytes = memoryBytes;
    this.activationLog = activationLog;
    this.cores = cores;
    this.library = library;
    this.log = log;
    this.transport = transport;
    this.pool = new WorkerPool(cores, kernels);
    this.figures =
        measure
            ? NodeFigures.measured(KernelSpeed.defaultFolder(), pool)
            : NodeFigures.counted(pool);
    library.whenKnown(file -> figures.measure(MatrixKind.of(file)));
  }

  /**
   * Opens the links.
   *
   * @param port of the member's messages, whose number frames take too unless told otherwise
   */
  static NodeHost open(
      ClusterSettings settings, int port, ModelLibrary library, Consumer<String> log) {
    Config node = settings.config().getConfig("sluice.node");
    int cores = node.getInt("cores");
    long memory = node.getMemorySize("memory").toBytes();
    LogLimits activationLog = LogLimits.of(node.getConfig("activation-log"));
    TransportConfig.Builder links = settings.security().seal(TransportConfig.builder());
    if (isLoopback(settings.host())) {
      // Loopback takes large datagrams; fewer of them cost less.
      links.udpMtu(LOOPBACK_MTU);
    }
    return new NodeHost(
        new DataAddress(settings.host(), settings.dataPort() == 0 ? port : settings.dataPort()),
        memory == 0 ? spareMemory() : memory,
        activationLog,
        cores == 0 ? Runtime.getRuntime().availableProcessors() : cores,
        node.getEnum(KernelChoice.class, "kernels"),
        node.getBoolean("measure"),
        library,
        log,
        Transport.launch(links.build()));
  }

  NodeEnvironment environment(NodeId self, Runnable drain) {
    return new NodeEnvironment(
        self,
        () -> resources(self),
        transport,
        new LinkPlan(true, 0),
        new Loader(),
        activationLog,
        new NodeMonitors(" on " + self),
        new AtomicReference<>(PipelineStats.Scheduling.NONE),
        new AtomicReference<>(),
        log,
        drain);
  }

  /** What is measured of this node. */
  NodeFigures figures() {
    return figures;
  }

  private NodeResources resources(NodeId self) {
    return new NodeResources(
        data,
        new NodeOffer(self.name(), memoryBytes, cores, figures.speeds(), figures.roundTrips()),
        version(),
        library.card(),
        library.stored());
  }

  private record Vocabulary(String model, TokenVocabulary tokens) {}

  private final class Loader implements ShardLoader {
    private @Nullable Vocabulary vocabulary;

    @Override
    public ModelShard load(String model, ShardOptions options) {
      return ModelShards.load(library.file(model), options, pool);
    }

    @Override
    public synchronized TokenVocabulary vocabulary(String model) {
      Vocabulary known = vocabulary;
      if (known == null || !known.model.equals(model)) {
        Tokenizer tokenizer = Tokenizer.of(library.file(model).metadata());
        known = new Vocabulary(model, TokenVocabulary.of(tokenizer));
        vocabulary = known;
      }
      return known.tokens;
    }

    @Override
    public CompletableFuture<Void> bring(
        String model, LayerRange range, Consumer<FetchProgress> progress) {
      return library.bring(model, range, progress);
    }

    @Override
    public void foresee(String model) {
      library.foresee(model);
    }
  }

  private static String version() {
    String version = NodeHost.class.getPackage().getImplementationVersion();
    return version == null ? "" : version;
  }

  /** Nine tenths of what the machine has besides the heap. */
  private static long spareMemory() {
    long all =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    return Math.max(0, all - Runtime.getRuntime().maxMemory()) / 10 * 9;
  }

  private static boolean isLoopback(String host) {
    try {
      return host.equals("localhost")
          || InetAddress.ofLiteral(host.replaceAll("[\\[\\]]", "")).isLoopbackAddress();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  @Override
  public void close() {
    transport.close();
    pool.close();
  }
}
