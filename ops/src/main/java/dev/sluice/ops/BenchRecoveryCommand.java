package dev.sluice.ops;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeLoad;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.mill.SluiceMill;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice bench recovery}: what the loss of a node costs, and what it costs to be ready. */
@Command(
    name = "recovery",
    description = {
      "Starts nodes on this machine, kills one that computes a stage while streams run, again and"
          + " again, and tells how long it took until the others noticed, until the next token, and"
          + " how many tokens were computed again. With --cost nothing is killed: it tells how many"
          + " tokens a second there are with and without what is kept for that."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class BenchRecoveryCommand implements Callable<Integer> {
  /** Tokens of every stream before a fault, and after it. */
  private static final int RUNNING = 16;

  @Mixin private ModelOption model = new ModelOption();

  /** What nodes keep for the loss of another. */
  enum Keep {
    NONE,
    LOG,
    REPLICA;

    private List<String> arguments() {
      return switch (this) {
        case NONE -> List.of("--activation-log=off");
        case LOG -> List.of();
        case REPLICA -> List.of("--activation-log=off", "--kv-replica");
      };
    }

    private String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Option(
      names = "--keep",
      paramLabel = "WHAT",
      split = ",",
      description =
          "What nodes keep, one after the other: none, log (what each stage gave to the next),"
              + " replica (copies of keys and values); default: log, with --cost all.")
  private List<Keep> keeps = List.of();

  @Option(
      names = "--nodes",
      paramLabel = "N",
      description = "Nodes; more than stages: spares (${DEFAULT-VALUE}).")
  private int nodes = 3;

  @Option(
      names = "--stages",
      paramLabel = "N",
      description = "Stages of the pipeline (${DEFAULT-VALUE}).")
  private int stages = 2;

  @Option(
      names = "--victim",
      paramLabel = "STAGE",
      description =
          "The stage whose node is killed, from 0, which is the head too (default: the last).")
  private int victim = -1;

  @Option(
      names = "--faults",
      paramLabel = "N",
      description = "How often a node is killed (${DEFAULT-VALUE}).")
  private int faults = 20;

  @Option(
      names = "--cost",
      description = "Measure tokens a second without faults, in alternating runs.")
  private boolean cost;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "With --cost: runs of each kind (${DEFAULT-VALUE}).")
  private int rounds = 3;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description =
          "With --cost: length of a run, after half as much to warm up (${DEFAULT-VALUE}).")
  private int seconds = 10;

  @Option(
      names = "--streams",
      paramLabel = "N",
      description = "Streams at a time (${DEFAULT-VALUE}).")
  private int streams = 4;

  @Option(
      names = {"-p", "--n-prompt"},
      paramLabel = "TOKENS",
      description = "Tokens of each stream's prompt (${DEFAULT-VALUE}).")
  private int prompt = 64;

  @Option(
      names = {"-c", "--ctx", "--ctx-size"},
      paramLabel = "TOKENS",
      description = "Where a stream ends and begins anew (${DEFAULT-VALUE}, at most the model's).")
  private int context = 512;

  @Option(
      names = "--cores",
      paramLabel = "N",
      description = "Threads of each node that compute (default: the machine's, shared by stages).")
  private int cores;

  @Option(names = "--json", description = "Print an object for each --keep.")
  private boolean asJson;

  /** The model's file and what is asked of it. */
  private record Load(Path file, String name, List<TokenRequest> requests) {}

  /**
   * One fault, in seconds since then.
   *
   * @param noticed when this process heard that the node is lost
   * @param first when the first stream went on
   * @param all when the last one did
   * @param recomputed tokens that went through all stages again
   * @param replayed tokens that went through some stages again
   */
  private record Fault(double noticed, double first, double all, long recomputed, long replayed) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    check("--nodes", nodes, 2, 16);
    check("--stages", stages, 1, nodes);
    check("--victim", victim, -1, stages - 1);
    check("--faults", faults, 1, 1000);
    check("--rounds", rounds, 1, 100);
    check("--seconds", seconds, 1, 3600);
    check("--streams", streams, 1, 256);
    check("--n-prompt", prompt, 1, 1 << 20);
    check("--cores", cores, 0, 1024);
    Path folder = Files.createTempDirectory("sluice-bench-");
    try {
      Load load = load(folder);
      if (cost) {
        reportCosts(load, costs(folder, load));
      } else {
        recover(folder, load);
      }
    } finally {
      delete(folder);
    }
    return 0;
  }

  private static void check(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new CommandException(option + " " + value + ": must be from " + least + " to " + most);
    }
  }

  private Load load(Path folder) throws IOException {
    try (GgufFile file = model.open()) {
      ModelSpec spec = ModelSpec.of(file);
      context = Math.min(context, spec.contextLength());
      if (prompt + RUNNING > context) {
        throw new CommandException(
            "--n-prompt %d: with %d more it does not fit into a context of %d tokens"
                .formatted(prompt, RUNNING, context));
      }
      Path path = model.given() ? file.path().toAbsolutePath() : folder.resolve("mill.gguf");
      if (!model.given()) {
        SluiceMill.copyTo(path);
      }
      List<TokenRequest> requests =
          IntStream.range(0, streams).mapToObj(i -> request(i, spec.vocabularySize())).toList();
      return new Load(path, String.valueOf(file.path().getFileName()), requests);
    }
  }

  /** Nothing ends it before its last token. */
  private TokenRequest request(int seed, int vocabulary) {
    int[] ids = new Random(seed).ints(prompt, 0, vocabulary).toArray();
    return new TokenRequest(ids, SamplingParameters.GREEDY, context - prompt, new int[0], false);
  }

  private LocalCluster start(Path folder, Load load, Keep keep) throws InterruptedException {
    say("starting " + nodes + " nodes, keeping " + keep.label());
    int each =
        cores == 0 ? Math.max(1, Runtime.getRuntime().availableProcessors() / stages) : cores;
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("-m", load.file().toString(), "--stages=" + stages));
    arguments.addAll(List.of("--ctx=" + context, "--streams=" + streams, "--cores=" + each));
    arguments.addAll(keep.arguments());
    return LocalCluster.start(folder, nodes, arguments);
  }

  private static EndlessStreams streams(LocalCluster cluster, Load load) {
    return new EndlessStreams(
        cluster.gateway().generator(), cluster.gateway().system(), load.requests());
  }

  private static void say(String line) {
    Streams.err().println(line);
    Streams.err().flush();
  }

  private void recover(Path folder, Load load) throws InterruptedException {
    TextTable table =
        new TextTable(
            "keep", "faults", "", "noticed", "next token", "all streams", "recomputed", "replayed");
    for (Keep keep : keeps.isEmpty() ? List.of(Keep.LOG) : keeps) {
      List<Fault> all = new ArrayList<>();
      try (LocalCluster cluster = start(folder, load, keep)) {
        for (int i = 1; i <= faults; i++) {
          Fault fault = fault(cluster, load);
          all.add(fault);
          say(
              String.format(
                  Locale.ROOT,
                  "%s, fault %d of %d: noticed after %.2f s, next token after %.2f s, all after"
                      + " %.2f s; %d tokens recomputed, %d replayed",
                  keep.label(),
                  i,
                  faults,
                  fault.noticed(),
                  fault.first(),
                  fault.all(),
                  fault.recomputed(),
                  fault.replayed()));
        }
      }
      row(table, keep, "p50", all, 0.50);
      row(table, keep, "p99", all, 0.99);
      if (asJson) {
        Json.print(json -> write(json, load, keep, all));
      }
    }
    if (!asJson) {
      Streams.out().print(table);
      Streams.out().flush();
    }
  }

  /** Kills a node while all streams run, waits until all run again, and starts it anew. */
  private Fault fault(LocalCluster cluster, Load load) throws InterruptedException {
    CoordinatorActor.Status before = cluster.awaitServing();
    EpochPlan plan = Objects.requireNonNull(before.plan(), "what serves has a plan");
    String address = plan.stages().get(stageOf(plan)).node().name();
    long killed;
    long lost;
    List<Long> wentOn;
    try (EndlessStreams running = streams(cluster, load)) {
      running.awaitEach(RUNNING, LocalCluster.LIMIT);
      killed = cluster.kill(address);
      lost = cluster.awaitLost(address);
      var _ = cluster.awaitServing(1, before.state().epoch() + 1);
      running.awaitEach(RUNNING, LocalCluster.LIMIT);
      wentOn = running.wentOn(killed);
    }
    cluster.start(address);
    CoordinatorActor.Status after = cluster.awaitServing();
    NodeLoad had = headLoad(before);
    NodeLoad has = headLoad(after);
    boolean same = plan.head().equals(after.state().head());
    return new Fault(
        (lost - killed) / 1e9,
        Collections.min(wentOn) / 1e9,
        Collections.max(wentOn) / 1e9,
        has.recomputedTokens() - (same ? had.recomputedTokens() : 0),
        has.replayedTokens() - (same ? had.replayedTokens() : 0));
  }

  private int stageOf(EpochPlan plan) {
    int last = plan.stages().size() - 1;
    return victim < 0 ? last : Math.min(victim, last);
  }

  private static NodeLoad headLoad(CoordinatorActor.Status status) {
    return status.nodes().stream()
        .filter(n -> n.node().equals(status.state().head()))
        .map(NodeReport::load)
        .findFirst()
        .orElse(NodeLoad.NONE);
  }

  private static double[] sorted(List<Fault> all, ToDoubleFunction<Fault> of) {
    return all.stream().mapToDouble(of).sorted().toArray();
  }

  /** The smallest of ascending values that so large a share of them do not exceed. */
  static double percentile(double[] ascending, double share) {
    return ascending[Math.max(0, (int) Math.ceil(share * ascending.length) - 1)];
  }

  private static void row(TextTable table, Keep keep, String name, List<Fault> all, double share) {
    table.row(
        keep.label(),
        Integer.toString(all.size()),
        name,
        secondsText(percentile(sorted(all, Fault::noticed), share)),
        secondsText(percentile(sorted(all, Fault::first), share)),
        secondsText(percentile(sorted(all, Fault::all), share)),
        String.format(Locale.ROOT, "%.0f", percentile(sorted(all, Fault::recomputed), share)),
        String.format(Locale.ROOT, "%.0f", percentile(sorted(all, Fault::replayed), share)));
  }

  private static String secondsText(double value) {
    return String.format(Locale.ROOT, "%.2f s", value);
  }

  private void writeCommon(JsonGenerator json, Load load, Keep keep) throws IOException {
    json.writeStringField("model", load.name());
    json.writeNumberField("nodes", nodes);
    json.writeNumberField("stages", stages);
    json.writeNumberField("streams", streams);
    json.writeNumberField("prompt", prompt);
    json.writeStringField("keep", keep.label());
  }

  private void write(JsonGenerator json, Load load, Keep keep, List<Fault> all) throws IOException {
    writeCommon(json, load, keep);
    json.writeNumberField("faults", all.size());
    for (double share : new double[] {0.50, 0.99}) {
      String name = "_p" + Math.round(share * 100);
      Json.number(json, "noticed_s" + name, percentile(sorted(all, Fault::noticed), share));
      Json.number(json, "next_token_s" + name, percentile(sorted(all, Fault::first), share));
      Json.number(json, "all_streams_s" + name, percentile(sorted(all, Fault::all), share));
      Json.number(
          json, "recomputed_tokens" + name, percentile(sorted(all, Fault::recomputed), share));
      Json.number(json, "replayed_tokens" + name, percentile(sorted(all, Fault::replayed), share));
    }
  }

  /** Tokens a second of each run, by what is kept; runs with the same index were neighbours. */
  private Map<Keep, double[]> costs(Path folder, Load load) throws InterruptedException {
    Map<Keep, double[]> rates = new EnumMap<>(Keep.class);
    List<Keep> kinds = new ArrayList<>(keeps.isEmpty() ? List.of(Keep.values()) : keeps);
    if (!kinds.contains(Keep.NONE)) {
      kinds.addFirst(Keep.NONE);
    }
    kinds.forEach(keep -> rates.put(keep, new double[rounds]));
    for (int round = 0; round < rounds; round++) {
      for (Keep keep : kinds) {
        double rate = rate(folder, load, keep);
        Objects.requireNonNull(rates.get(keep))[round] = rate;
        say(
            String.format(
                Locale.ROOT,
                "%s, run %d of %d: %.2f tokens/s",
                keep.label(),
                round + 1,
                rounds,
                rate));
      }
      Collections.rotate(kinds, 1);
    }
    return rates;
  }

  private double rate(Path folder, Load load, Keep keep) throws InterruptedException {
    try (LocalCluster cluster = start(folder, load, keep);
        EndlessStreams running = streams(cluster, load)) {
      running.awaitEach(1, LocalCluster.LIMIT);
      Thread.sleep(500L * seconds);
      long count = running.count();
      long began = System.nanoTime();
      Thread.sleep(1000L * seconds);
      return (running.count() - count) / ((System.nanoTime() - began) / 1e9);
    }
  }

  private void reportCosts(Load load, Map<Keep, double[]> rates) {
    double[] base = Objects.requireNonNull(rates.get(Keep.NONE));
    TextTable table = new TextTable("keep", "runs", "tokens/s", "deviation", "of none");
    for (Map.Entry<Keep, double[]> kind : rates.entrySet()) {
      double[] runs = kind.getValue();
      BenchRun.Rate rate = BenchRun.Rate.of(runs);
      double[] ratios = new double[rounds];
      Arrays.setAll(ratios, i -> runs[i] / base[i]);
      Arrays.sort(ratios);
      double middle = (ratios[(rounds - 1) / 2] + ratios[rounds / 2]) / 2;
      table.row(
          kind.getKey().label(),
          Integer.toString(rounds),
          String.format(Locale.ROOT, "%.2f", rate.mean()),
          String.format(Locale.ROOT, "%.2f", rate.deviation()),
          String.format(Locale.ROOT, "%.3f (%.3f to %.3f)", middle, ratios[0], ratios[rounds - 1]));
      if (asJson) {
        Json.print(
            json -> {
              writeCommon(json, load, kind.getKey());
              json.writeNumberField("runs", rounds);
              Json.number(json, "tokens_per_s", rate.mean());
              Json.number(json, "deviation", rate.deviation());
              Json.number(json, "ratio", middle);
              Json.number(json, "ratio_least", ratios[0]);
              Json.number(json, "ratio_most", ratios[rounds - 1]);
            });
      }
    }
    if (!asJson) {
      Streams.out().print(table);
      Streams.out().flush();
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
