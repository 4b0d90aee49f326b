package dev.sluice.actors;

import akka.actor.ActorRef;
import akka.actor.PoisonPill;
import akka.actor.typed.javadsl.Adapter;
import akka.stream.javadsl.Sink;
import com.sun.management.OperatingSystemMXBean;
import dev.sluice.actors.TinyModel.Shape;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;

/**
 * What the log of activations, and the copies of keys and values, cost while nothing fails, and
 * what they save when a stage is lost: four streams through three stages in one process, on a model
 * of random weights.
 *
 * <p>Cost: rounds with the log, with copies and without either take turns, and medians are
 * compared, since the speed of a machine drifts. Faults, in turns too: the middle stage's actor is
 * stopped with its caches while all streams decode; measured is the time from then until a stream's
 * next token, of every stream. The last line of the output is JSON. From the project's root:
 *
 * <pre>./mvnw -q -pl actors -am process-test-classes -Dbenchmark=recovery</pre>
 *
 * <p>With {@code -Dbenchmark.args="1b 20"} for a model of 1.1 billion weights; the number is that
 * of rounds and of faults.
 */
final class RecoveryBenchmark {
  private static final int STAGES = 3;
  private static final int STREAMS = 4;
  private static final int PROMPT = 256;
  private static final int TOKENS = 96;
  private static final int FAULT_AT = 32;
  private static final LogLimits LOG = new LogLimits(64L << 20, 1L << 30);

  /** What stages keep for others; the first one is what the others are compared with. */
  private static final Mode[] MODES = {
    new Mode("nothing", LogLimits.OFF, false),
    new Mode("log", LOG, false),
    new Mode("replica", LogLimits.OFF, true)
  };

  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final GgufFile file;
  private final int vocabulary;

  private RecoveryBenchmark(GgufFile file, int vocabulary) {
    this.file = file;
    this.vocabulary = vocabulary;
  }

  private record Mode(String name, LogLimits log, boolean replica) {}

  /**
   * Tokens of a round: of time, and of time of all processors, which other processes do not eat.
   */
  private record Speed(double perSecond, double perProcessorSecond) {}

  /** What a number of faults came to. */
  private record Faults(double p50, double p99, long recomputed, long replayed) {}

  public static void main(String[] args) throws Exception {
    String name = args.length > 0 ? args[0] : "small";
    int times = args.length > 1 ? Integer.parseInt(args[1]) : 20;
    Shape shape =
        switch (name) {
          case "small" -> new Shape(9, 512, 8, 4, 1536, 4096, 1024);
          case "1b" -> new Shape(15, 2048, 32, 8, 8192, 32_000, 1024);
          default -> throw new IllegalArgumentException("small or 1b, not " + name);
        };
    Path folder = Files.createTempDirectory("sluice-benchmark");
    Path path = TinyModel.write(folder, shape, GgmlType.Q8_0, 1);
    try (GgufFile file = GgufFile.open(path)) {
      new RecoveryBenchmark(file, shape.vocabulary()).run(name, times);
    } finally {
      Files.delete(path);
      Files.delete(folder);
    }
  }

  private void run(String name, int times) throws Exception {
    Speed[][] speeds = new Speed[MODES.length][times];
    Faults[] faults = new Faults[MODES.length];
    List<Pipeline> pipelines = new ArrayList<>();
    try {
      for (Mode mode : MODES) {
        pipelines.add(start(mode));
        round(pipelines.getLast());
      }
      for (int i = 0; i < times; i++) {
        for (int m = 0; m < MODES.length; m++) {
          speeds[m][i] = round(pipelines.get(m));
        }
      }
      double[][] millis = new double[MODES.length][times * STREAMS];
      for (int i = 0; i < times; i++) {
        for (int m = 0; m < MODES.length; m++) {
          fault(pipelines.get(m), millis[m], i * STREAMS);
        }
      }
      for (int m = 0; m < MODES.length; m++) {
        faults[m] = faults(pipelines.get(m), millis[m]);
      }
    } finally {
      pipelines.forEach(Pipeline::close);
    }
    report(name, times, speeds, faults);
  }

  private static void report(String name, int times, Speed[][] speeds, Faults[] faults) {
    StringBuilder json =
        new StringBuilder(
            "{\"benchmark\":\"recovery\",\"shape\":\"%s\",\"rounds\":%d".formatted(name, times));
    for (int m = 0; m < MODES.length; m++) {
      String mode = MODES[m].name;
      double cost = cost(speeds[m], speeds[0], Speed::perSecond);
      double processorCost = cost(speeds[m], speeds[0], Speed::perProcessorSecond);
      print(
          "%s: %.1f tokens a second: costs %.1f %%, and %.1f %% of the processors' time; next token"
              + " after %.0f ms (p99 %.0f), tokens recomputed %d, replayed %d",
          mode,
          median(speeds[m], Speed::perSecond),
          cost,
          processorCost,
          faults[m].p50,
          faults[m].p99,
          faults[m].recomputed,
          faults[m].replayed);
      json.append(
          String.format(
              Locale.ROOT,
              ",\"%s\":{\"cost_percent\":%.2f,\"processor_cost_percent\":%.2f,%s}",
              mode,
              cost,
              processorCost,
              json(faults[m])));
    }
    print("%s", json.append('}'));
  }

  private static String json(Faults faults) {
    return String.format(
        Locale.ROOT,
        "\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"recomputed\":%d,\"replayed\":%d",
        faults.p50,
        faults.p99,
        faults.recomputed,
        faults.replayed);
  }

  private Pipeline start(Mode mode) {
    PipelineOptions options =
        PipelineOptions.builder()
            .prefixCache(false)
            .stages(STAGES)
            .contextTokens(512)
            .kvTokens(STREAMS * 512)
            .maxSequences(STREAMS)
            .activationLog(mode.log)
            .kvReplica(mode.replica)
            .build();
    return Pipeline.start(file, options);
  }

  private TokenRequest request(int stream) {
    int[] prompt = new int[PROMPT];
    Arrays.setAll(prompt, i -> (stream * 31 + i * 7) % vocabulary);
    return new TokenRequest(prompt, SamplingParameters.GREEDY, TOKENS, new int[0], false)
        .tellingRecoveries();
  }

  private Speed round(Pipeline pipeline) throws Exception {
    long begun = System.nanoTime();
    long processor = PROCESS.getProcessCpuTime();
    List<CompletableFuture<List<TokenEvent>>> streams = new ArrayList<>();
    for (int i = 0; i < STREAMS; i++) {
      streams.add(
          pipeline
              .generator()
              .generate(request(i))
              .runWith(Sink.seq(), pipeline.system())
              .toCompletableFuture());
    }
    for (CompletableFuture<List<TokenEvent>> stream : streams) {
      stream.get(10, TimeUnit.MINUTES);
    }
    double billions = STREAMS * (PROMPT + TOKENS) * 1e9;
    return new Speed(
        billions / (System.nanoTime() - begun),
        billions / (PROCESS.getProcessCpuTime() - processor));
  }

  private static Faults faults(Pipeline pipeline, double[] millis) {
    double[] sorted = millis.clone();
    Arrays.sort(sorted);
    PipelineStats.Scheduling stats = pipeline.stats().scheduling();
    int faults = millis.length / STREAMS;
    return new Faults(
        sorted[sorted.length / 2],
        sorted[(int) (0.99 * (sorted.length - 1))],
        stats.recomputedTokens() / faults,
        stats.replayedTokens() / faults);
  }

  /** Stops the middle stage, and measures every stream's wait. */
  private void fault(Pipeline pipeline, double[] millis, int at) throws Exception {
    AtomicInteger tokens = new AtomicInteger();
    long[] killed = new long[1];
    List<CompletableFuture<?>> streams = new ArrayList<>();
    for (int i = 0; i < STREAMS; i++) {
      int stream = at + i;
      streams.add(
          pipeline
              .generator()
              .generate(request(i))
              .runWith(
                  Sink.foreach(
                      event -> {
                        if (event instanceof TokenEvent.Recovered) {
                          millis[stream] = (System.nanoTime() - killed[0]) / 1e6;
                        } else if (tokens.incrementAndGet() == STREAMS * FAULT_AT) {
                          killed[0] = System.nanoTime();
                          kill(pipeline);
                        }
                      }),
                  pipeline.system())
              .toCompletableFuture());
    }
    for (CompletableFuture<?> stream : streams) {
      stream.get(10, TimeUnit.MINUTES);
    }
  }

  private static void kill(Pipeline pipeline) {
    Adapter.toClassic(pipeline.system())
        .actorSelection("/user/node/shard-1-*")
        .tell(PoisonPill.getInstance(), ActorRef.noSender());
  }

  private static double cost(Speed[] with, Speed[] without, ToDoubleFunction<Speed> of) {
    return 100 * (1 - median(with, of) / median(without, of));
  }

  private static double median(Speed[] speeds, ToDoubleFunction<Speed> of) {
    return Arrays.stream(speeds).mapToDouble(of).sorted().toArray()[speeds.length / 2];
  }

  @SuppressWarnings("AnnotateFormatMethod")
  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
