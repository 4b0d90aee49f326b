package dev.sluice.ops;

import dev.sluice.actors.cluster.ClusterNode;
import dev.sluice.actors.cluster.ClusterSettings;
import dev.sluice.actors.cluster.LocalModel;
import dev.sluice.actors.cluster.ModelLibrary;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.KernelChoice;
import dev.sluice.model.store.ModelStore;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice node}: this machine as a node of a cluster. */
@Command(
    name = "node",
    description = "Runs a node of a cluster: hosts a part of a model's layers.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class NodeCommand implements Callable<Integer> {
  private static final int INTERRUPTED = 130;
  private static final int RUNNING = -1;

  @Mixin private ModelOption model = new ModelOption();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  private final FetchLines lines = new FetchLines();

  @Option(
      names = "--bind",
      paramLabel = "HOST",
      description = "Where other nodes reach this one (default: 127.0.0.1).")
  private @Nullable String bind;

  @Option(
      names = "--port",
      paramLabel = "P",
      description = "TCP port for messages; 0: a free one (default: 25520).")
  private @Nullable Integer port;

  @Option(
      names = "--data-port",
      paramLabel = "P",
      description = "UDP port for activations and tokens (default: the number of --port).")
  private @Nullable Integer dataPort;

  @Option(
      names = "--memory",
      paramLabel = "BYTES",
      description =
          "Memory for weights, keys and values, and buffers, such as 12g (default: most of what the"
              + " machine has).")
  private @Nullable String memory;

  @Option(
      names = "--activation-log",
      paramLabel = "BYTES[,DISK]",
      description =
          "What the stage keeps of what it gave to the next, in memory and then in a temporary"
              + " file, so that a lost stage is made good without the others; or off (default:"
              + " 64m,1g).")
  private @Nullable String activationLog;

  @Option(
      names = "--cores",
      paramLabel = "N",
      description = "Threads that compute (default: the cores).")
  private @Nullable Integer cores;

  @Option(
      names = "--kernels",
      paramLabel = "KIND",
      description =
          "What multiplies Q8_0 and Q4_0 weights: native, java, or auto, native where this build"
              + " and the machine allow it (default).")
  private @Nullable KernelChoice kernels;

  @Option(
      names = "--roles",
      paramLabel = "ROLE,…",
      description = "Of shard, gateway and coordinator (default: all).")
  private @Nullable String roles;

  @Option(
      names = "--min-nodes",
      paramLabel = "N",
      description = "Nodes to wait for before the first pipeline is built (default: 1).")
  private @Nullable Integer minNodes;

  @Option(
      names = "--stages",
      paramLabel = "N",
      description = "Stages of the pipeline; 0: as many as are good (default).")
  private @Nullable Integer stages;

  @Option(
      names = {"-c", "--ctx", "--ctx-size"},
      paramLabel = "TOKENS",
      description = "Longest sequence, prompt and answer (default: the model's, at most 4096).")
  private @Nullable Integer context;

  @Option(
      names = "--streams",
      paramLabel = "N",
      description = "Sequences in the pipeline at a time (default: 8).")
  private @Nullable Integer streams;

  @Option(
      names = "--kv-type",
      paramLabel = "TYPE",
      description = "How keys and values are stored: f32 or f16 (default: f32).")
  private @Nullable String kvType;

  @Option(
      names = "--kv-replica",
      description =
          "Each stage keeps a copy of the keys and values of the one before it, so that a lost"
              + " stage gets them back and nothing is computed again; twice the memory for them.")
  private boolean kvReplica;

  @Option(
      names = "--no-prefix-cache",
      description =
          "Compute every prompt from its first token on, though the stages have the keys and values"
              + " of what it begins with. No token depends on it.")
  private boolean noPrefixCache;

  @Override
  public Integer call() throws InterruptedException {
    ClusterSettings settings = cluster.settings(flags());
    AtomicInteger exitCode = new AtomicInteger(RUNNING);
    ModelStore store = model.store();
    try (@Nullable GgufFile file = file(settings);
        ModelLibrary library = new ModelLibrary(own(file, store), store, lines)) {
      ClusterNode node = ClusterClient.start(settings, library, lines::say);
      Signals.register("INT", () -> stop(node, exitCode, INTERRUPTED));
      Signals.register("TERM", () -> stop(node, exitCode, 0));
      lines.say(
          "node at "
              + node.address()
              + (file == null ? "" : " with " + LocalModel.name(file))
              + (settings.join().isEmpty()
                  ? ""
                  : ", joining " + String.join(", ", settings.join())));
      node.await();
    }
    return Math.max(0, exitCode.get());
  }

  /** The model that the node was given; one that forms a cluster alone has the shipped one. */
  private @Nullable GgufFile file(ClusterSettings settings) {
    String named = settings.config().getString("sluice.node.model");
    if (!model.given() && !named.isEmpty()) {
      GgufFile found = model.find(named).orElse(null);
      if (found == null) {
        lines.say(named + " is not here (sluice.node.model): fetching the cluster's model");
      }
      return found;
    }
    boolean forms = settings.join().isEmpty() && !settings.management().joins();
    return model.given() || forms ? model.open() : null;
  }

  private static @Nullable LocalModel own(@Nullable GgufFile file, ModelStore store) {
    return file == null ? null : LocalModel.of(file, store);
  }

  /** Leaves in good order; a second signal ends the process at once. */
  private static void stop(ClusterNode node, AtomicInteger exitCode, int code) {
    if (!exitCode.compareAndSet(RUNNING, code)) {
      Runtime.getRuntime().halt(INTERRUPTED);
    }
    Thread.ofPlatform().name("sluice-leave").start(node::close);
  }

  private Map<String, Object> flags() {
    Map<String, Object> flags = cluster.flags();
    put(flags, "sluice.node.host", bind);
    put(flags, "sluice.node.port", port);
    put(flags, "sluice.node.data-port", dataPort);
    put(flags, "sluice.node.memory", memory);
    if (activationLog != null) {
      LogLimits log = EngineOptions.activationLog(activationLog);
      put(flags, "sluice.node.activation-log.memory", log.memoryBytes());
      put(flags, "sluice.node.activation-log.disk", log.diskBytes());
    }
    put(flags, "sluice.node.cores", cores);
    if (kernels != null) {
      put(flags, "sluice.node.kernels", EngineOptions.usable(kernels).name());
    }
    put(flags, "sluice.node.roles", roles);
    put(flags, "sluice.cluster.min-nodes", minNodes);
    put(flags, "sluice.pipeline.stages", stages);
    put(flags, "sluice.pipeline.context", context);
    put(flags, "sluice.pipeline.streams", streams);
    put(flags, "sluice.pipeline.kv-type", kvType);
    put(flags, "sluice.pipeline.kv-replica", kvReplica ? true : null);
    put(flags, "sluice.pipeline.prefix-cache", noPrefixCache ? false : null);
    return flags;
  }

  private static void put(Map<String, Object> flags, String key, @Nullable Object value) {
    if (value != null) {
      flags.put(key, value);
    }
  }
}
