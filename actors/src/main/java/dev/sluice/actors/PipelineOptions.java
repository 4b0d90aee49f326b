package dev.sluice.actors;

import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.kernel.KernelChoice;
import dev.sluice.model.lora.ScaledAdapter;
import dev.sluice.model.shard.ShardOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How a model is run in this process. Immutable; {@link Builder#build} validates.
 *
 * @param stages number of shards, 1 to the model's layers
 * @param threads threads that compute, shared by all stages
 * @param kernels what multiplies the weights of {@link Backend#VECTOR}
 * @param contextTokens longest sequence, prompt and answer; 0: the model's own, at most {@link
 *     #DEFAULT_MAX_CONTEXT}
 * @param kvTokens positions that the KV cache of each stage holds, over all sequences; 0: as many
 *     as one sequence of {@code contextTokens}
 * @param kvType how keys and values are stored
 * @param pageTokens positions of a KV page
 * @param link what joins the stages
 * @param backend what computes them
 * @param maxSequences most sequences in the pipeline at a time
 * @param maxWaiting most requests that wait for a place; more are refused
 * @param prefillChunk most tokens of one prompt in one micro-batch
 * @param tokenBudget most tokens in one micro-batch; 0: {@code prefillChunk + maxSequences}
 * @param maxLogitRows most rows of logits in one micro-batch; 0: as many as {@link
 *     #LOGITS_BYTES_TARGET} bytes hold, at least {@code maxSequences}
 * @param unreadLimit most tokens of a sequence that its consumer has not read; a sequence with so
 *     many is not computed further
 * @param startTimeout longest time that loading may take
 * @param stepTimeout longest time that a micro-batch may take through all stages; then the pipeline
 *     is rebuilt
 * @param queueTimeout longest time that a request may wait for a place
 * @param closeTimeout longest time that {@link Pipeline#close} may take
 * @param aeronDirectory where an external media driver has its files; empty: a driver in this
 *     process with a private directory
 * @param activationLog how much each stage keeps of what it gave to the next, so that this one can
 *     be replaced without the others computing anything again
 * @param kvReplica whether each stage keeps a copy of the keys and values of the one before it, so
 *     that this one can be replaced without anything being computed again
 * @param prefixCache whether sequences share the keys and values of what they begin with, in place
 *     of computing them again; changes no token
 * @param adapters low-rank adapters of the layers' matrices, in the order in which they are added
 */
public record PipelineOptions(
    int stages,
    int threads,
    KernelChoice kernels,
    int contextTokens,
    int kvTokens,
    KvType kvType,
    int pageTokens,
    LinkKind link,
    Backend backend,
    int maxSequences,
    int maxWaiting,
    int prefillChunk,
    int tokenBudget,
    int maxLogitRows,
    int unreadLimit,
    Duration startTimeout,
    Duration stepTimeout,
    Duration queueTimeout,
    Duration closeTimeout,
    Optional<Path> aeronDirectory,
    LogLimits activationLog,
    boolean kvReplica,
    boolean prefixCache,
    List<ScaledAdapter> adapters) {
  /** Longest context unless another is asked for; the KV cache is set aside when loading. */
  public static final int DEFAULT_MAX_CONTEXT = 4096;

  /** Size of the logits of a micro-batch that {@code maxLogitRows} of 0 aims at. */
  public static final int LOGITS_BYTES_TARGET = 16 << 20;

  private static final int MAX_SEQUENCES = 1024;
  private static final int MAX_ROWS = 1 << 15;
  private static final int MAX_TOKENS = 1 << 30;
  private static final int MAX_UNREAD = 1 << 16;

  public PipelineOptions {
    within("stages", stages, 1, ShardPlan.MAX_STAGES);
    within("threads", threads, 1, 1024);
    within("contextTokens", contextTokens, 0, MAX_TOKENS);
    within("kvTokens", kvTokens, 0, MAX_TOKENS);
    within("pageTokens", pageTokens, 1, 4096);
    within("maxSequences", maxSequences, 1, MAX_SEQUENCES);
    within("maxWaiting", maxWaiting, 0, 1 << 20);
    within("prefillChunk", prefillChunk, 1, MAX_ROWS - MAX_SEQUENCES);
    within("tokenBudget", tokenBudget, 0, MAX_ROWS);
    within("maxLogitRows", maxLogitRows, 0, MAX_ROWS);
    within("unreadLimit", unreadLimit, 2, MAX_UNREAD);
    positive("startTimeout", startTimeout);
    positive("stepTimeout", stepTimeout);
    positive("queueTimeout", queueTimeout);
    positive("closeTimeout", closeTimeout);
    adapters = List.copyOf(adapters);
  }

  /** A builder with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** The token budget, where 0 stands for the default resolved. */
  public int effectiveTokenBudget() {
    return tokenBudget == 0 ? prefillChunk + maxSequences : tokenBudget;
  }

  /** The rows of logits of a micro-batch for a vocabulary, where 0 stands for the default. */
  public int effectiveLogitRows(int vocabularySize) {
    if (maxLogitRows != 0) {
      return maxLogitRows;
    }
    int fitting = LOGITS_BYTES_TARGET / Float.BYTES / Math.max(1, vocabularySize);
    return Math.min(Math.max(maxSequences, fitting), effectiveTokenBudget());
  }

  /** The longest sequence for a model, where 0 stands for the default. */
  public int effectiveContext(int modelContext) {
    int most = contextTokens == 0 ? DEFAULT_MAX_CONTEXT : contextTokens;
    return modelContext > 0 ? Math.min(most, modelContext) : most;
  }

  /** The positions of the KV cache for a model, where 0 stands for the default. */
  public int effectiveKvTokens(int modelContext) {
    return kvTokens == 0 ? effectiveContext(modelContext) : kvTokens;
  }

  /** What the nodes of a pipeline of a model agree on. */
  public PipelineSizes sizes(int embeddingLength, int vocabularySize, int modelContext) {
    return new PipelineSizes(
        embeddingLength,
        vocabularySize,
        effectiveContext(modelContext),
        effectiveKvTokens(modelContext),
        kvType,
        pageTokens,
        maxSequences,
        maxWaiting,
        prefillChunk,
        effectiveTokenBudget(),
        effectiveLogitRows(vocabularySize),
        unreadLimit,
        queueTimeout,
        stepTimeout,
        kvReplica,
        prefixCache && backend == Backend.VECTOR);
  }

  private static void within(String name, int value, int low, int high) {
    if (value < low || value > high) {
      throw new IllegalArgumentException(
          name + " " + value + ": must be from " + low + " to " + high);
    }
  }

  private static void positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(name + " " + value + ": must be above zero");
    }
  }

  /** Collects options; {@link #build} validates them. Not for several threads. */
  public static final class Builder {
    private int stages = 1;
    private int threads = Math.max(1, Runtime.getRuntime().availableProcessors());
    private KernelChoice kernels = KernelChoice.AUTO;
    private int contextTokens;
    private int kvTokens;
    private KvType kvType = KvType.F32;
    private int pageTokens = ShardOptions.DEFAULT_PAGE_TOKENS;
    private LinkKind link = LinkKind.IPC;
    private Backend backend = Backend.VECTOR;
    private int maxSequences = 8;
    private int maxWaiting = 256;
    private int prefillChunk = 128;
    private int tokenBudget;
    private int maxLogitRows;
    private int unreadLimit = 16;
    private Duration startTimeout = Duration.ofMinutes(10);
    private Duration stepTimeout = Duration.ofMinutes(10);
    private Duration queueTimeout = Duration.ofMinutes(10);
    private Duration closeTimeout = Duration.ofSeconds(20);
    private Optional<Path> aeronDirectory = Optional.empty();
    private LogLimits activationLog = new LogLimits(64L << 20, 1L << 30);
    private boolean kvReplica;
    private boolean prefixCache = true;
    private List<ScaledAdapter> adapters = List.of();

    private Builder() {}

    public Builder stages(int value) {
      stages = value;
      return this;
    }

    public Builder kernels(KernelChoice value) {
      kernels = value;
      return this;
    }

    public Builder threads(int value) {
      threads = value;
      return this;
    }

    public Builder contextTokens(int value) {
      contextTokens = value;
      return this;
    }

    public Builder kvTokens(int value) {
      kvTokens = value;
      return this;
    }

    public Builder kvType(KvType value) {
      kvType = value;
      return this;
    }

    public Builder pageTokens(int value) {
      pageTokens = value;
      return this;
    }

    public Builder link(LinkKind value) {
      link = value;
      return this;
    }

    public Builder backend(Backend value) {
      backend = value;
      return this;
    }

    public Builder maxSequences(int value) {
      maxSequences = value;
      return this;
    }

    public Builder maxWaiting(int value) {
      maxWaiting = value;
      return this;
    }

    public Builder prefillChunk(int value) {
      prefillChunk = value;
      return this;
    }

    public Builder tokenBudget(int value) {
      tokenBudget = value;
      return this;
    }

    public Builder maxLogitRows(int value) {
      maxLogitRows = value;
      return this;
    }

    public Builder unreadLimit(int value) {
      unreadLimit = value;
      return this;
    }

    public Builder startTimeout(Duration value) {
      startTimeout = value;
      return this;
    }

    public Builder stepTimeout(Duration value) {
      stepTimeout = value;
      return this;
    }

    public Builder queueTimeout(Duration value) {
      queueTimeout = value;
      return this;
    }

    public Builder closeTimeout(Duration value) {
      closeTimeout = value;
      return this;
    }

    public Builder aeronDirectory(Path value) {
      aeronDirectory = Optional.of(value);
      return this;
    }

    public Builder activationLog(LogLimits value) {
      activationLog = value;
      return this;
    }

    public Builder kvReplica(boolean value) {
      kvReplica = value;
      return this;
    }

    public Builder prefixCache(boolean value) {
      prefixCache = value;
      return this;
    }

    public Builder adapters(List<ScaledAdapter> value) {
      adapters = List.copyOf(value);
      return this;
    }

    /**
     * The options.
     *
     * @throws IllegalArgumentException naming the option, its value and what is allowed
     */
    public PipelineOptions build() {
      return new PipelineOptions(
          stages,
          threads,
          kernels,
          contextTokens,
          kvTokens,
          kvType,
          pageTokens,
          link,
          backend,
          maxSequences,
          maxWaiting,
          prefillChunk,
          tokenBudget,
          maxLogitRows,
          unreadLimit,
          startTimeout,
          stepTimeout,
          queueTimeout,
          closeTimeout,
          aeronDirectory,
          activationLog,
          kvReplica,
          prefixCache,
          adapters);
    }
  }
}
