package dev.sluice.ops;

import dev.sluice.actors.Backend;
import dev.sluice.actors.LinkKind;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.kernel.KernelChoice;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How the pipeline is laid out. */
final class EngineOptions {
  private static final int MANY_TOKENS = 1024;
  private static final int MOST_TOKENS = 1 << 30;

  @Option(
      names = "--stages",
      paramLabel = "N",
      description = "Shards to spread the layers over (${DEFAULT-VALUE}).")
  private int stages = 1;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "Threads that compute, shared by all stages (default: the cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = {"-c", "--ctx", "--ctx-size"},
      paramLabel = "TOKENS",
      description =
          "Longest sequence, prompt and answer; 0: the model's own, at most "
              + PipelineOptions.DEFAULT_MAX_CONTEXT
              + " (${DEFAULT-VALUE}).")
  private int context;

  @Option(
      names = "--kv-type",
      paramLabel = "TYPE",
      description = "How keys and values are stored: f32 or f16 (${DEFAULT-VALUE}).")
  private KvType kvType = KvType.F32;

  @Option(
      names = "--no-prefix-cache",
      description =
          "Compute every prompt from its first token on, though the pipeline has the keys and"
              + " values of what it begins with. No token depends on it.")
  private boolean noPrefixCache;

  @Option(
      names = "--kernels",
      paramLabel = "KIND",
      description =
          "What multiplies Q8_0 and Q4_0 weights: native, java, or auto, native where this build"
              + " and the machine allow it (${DEFAULT-VALUE}). All give the same tokens.")
  private KernelChoice kernels = KernelChoice.AUTO;

  @Option(
      names = "--transport",
      paramLabel = "LINK",
      description = "What joins the stages: ipc or udp (${DEFAULT-VALUE}).")
  private LinkKind transport = LinkKind.IPC;

  @Option(
      names = "--backend",
      paramLabel = "ENGINE",
      description =
          "What computes: vector, or nd4j, the plain and slow reference (${DEFAULT-VALUE}).")
  private Backend backend = Backend.VECTOR;

  @Option(
      names = {"--prefill-chunk", "--ubatch-size"},
      paramLabel = "TOKENS",
      description = "Most tokens of a prompt in one micro-batch (default: 128).")
  private int prefillChunk;

  @Option(
      names = "--aeron-dir",
      paramLabel = "DIR",
      description = "Use the media driver that runs with this directory (default: one in here).")
  private @Nullable Path aeronDirectory;

  @Option(
      names = "--activation-log",
      paramLabel = "BYTES[,DISK]",
      description =
          "What each stage keeps of what it gave to the next, in memory and then in a temporary"
              + " file, so that a lost stage is made good without the others; or off (default:"
              + " 64m,1g).")
  private @Nullable String activationLog;

  @Option(
      names = "--lora",
      paramLabel = "FILE[=SCALE]",
      description =
          "Run with this adapter (GGUF), multiplied by SCALE (default: 1). May be given several"
              + " times.")
  private List<String> adapters = List.of();

  /**
   * The options of a pipeline for {@code sequences} streams at a time.
   *
   * @throws CommandException naming the option that is out of its limits
   * @throws dev.sluice.model.gguf.ModelFileException for an adapter that cannot be read
   */
  PipelineOptions pipeline(int sequences) {
    return pipeline(sequences, 0);
  }

  /**
   * The options of a pipeline for {@code sequences} streams at a time that all have room in the
   * cache, each for a text of usual length ({@value #MANY_TOKENS} tokens).
   *
   * @throws CommandException naming the option that is out of its limits
   */
  PipelineOptions pipelineForMany(int sequences, int modelContext) {
    int most = context == 0 ? PipelineOptions.DEFAULT_MAX_CONTEXT : context;
    int longest = modelContext > 0 ? Math.min(most, modelContext) : most;
    long together = (long) sequences * Math.min(longest, MANY_TOKENS);
    return pipeline(sequences, Math.clamp(together, Math.max(0, longest), MOST_TOKENS));
  }

  /**
   * The kernels, if they are there.
   *
   * @throws CommandException where they are not, saying why
   */
  static KernelChoice usable(KernelChoice kernels) {
    try {
      if (kernels == KernelChoice.NATIVE) {
        kernels.describe();
      }
      return kernels;
    } catch (IllegalStateException e) {
      throw new CommandException("--kernels: " + e.getMessage(), e);
    }
  }

  /** What multiplies quantized weights, for people. */
  String kernels() {
    return kernels.describe();
  }

  private PipelineOptions pipeline(int sequences, int kvTokens) {
    try {
      PipelineOptions.Builder options =
          PipelineOptions.builder()
              .stages(stages)
              .threads(threads)
              .kernels(usable(kernels))
              .contextTokens(context)
              .kvTokens(kvTokens)
              .kvType(kvType)
              .prefixCache(!noPrefixCache)
              .link(transport)
              .backend(backend)
              .maxSequences(sequences)
              .adapters(Adapters.read(adapters));
      if (prefillChunk != 0) {
        options.prefillChunk(prefillChunk);
      }
      if (activationLog != null) {
        options.activationLog(activationLog(activationLog));
      }
      if (aeronDirectory != null) {
        options.aeronDirectory(aeronDirectory);
      }
      return options.build();
    } catch (IllegalArgumentException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  /**
   * Reads {@code 64m}, {@code 64m,1g} or {@code off}.
   *
   * @throws CommandException when it is none of these
   */
  static LogLimits activationLog(String text) {
    if (text.equals("off")) {
      return LogLimits.OFF;
    }
    String[] parts = text.split(",", 2);
    return new LogLimits(Bytes.parse(parts[0]), parts.length == 2 ? Bytes.parse(parts[1]) : 0);
  }
}
