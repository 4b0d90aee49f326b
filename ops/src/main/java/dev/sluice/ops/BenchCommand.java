package dev.sluice.ops;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.KernelChoice;
import dev.sluice.model.shard.ShardOptions;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice bench}: how fast a model is, over all combinations of what is asked for. */
@Command(
    name = "bench",
    description = {
      "Measures how many tokens a second a model takes in (pp) and gives out (tg), for each",
      "combination of the lists given; each as mean and standard deviation of several runs."
    },
    subcommands = {BenchRecoveryCommand.class, BenchServeCommand.class},
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class BenchCommand implements Runnable {
  private static final int PAGE = ShardOptions.DEFAULT_PAGE_TOKENS;

  @Mixin private ModelOption model = new ModelOption();

  @Option(
      names = {"-p", "--n-prompt"},
      paramLabel = "TOKENS",
      split = ",",
      description = "Tokens of a prompt (default: 128).")
  private List<Integer> prompts = List.of(128);

  @Option(
      names = {"-n", "--n-gen"},
      paramLabel = "TOKENS",
      split = ",",
      description = "Tokens to generate, from a prompt of one (default: 32).")
  private List<Integer> generated = List.of(32);

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      split = ",",
      description = "Threads that compute (default: the cores).")
  private List<Integer> threads = List.of(Runtime.getRuntime().availableProcessors());

  @Option(
      names = "--stages",
      paramLabel = "N",
      split = ",",
      description = "Shards to spread the layers over (default: 1).")
  private List<Integer> stages = List.of(1);

  @Option(
      names = {"-b", "--batch"},
      paramLabel = "N",
      split = ",",
      description = "Sequences at once; the rates are of all together (default: 1).")
  private List<Integer> batches = List.of(1);

  @Option(
      names = "--kernels",
      paramLabel = "KIND",
      split = ",",
      description = "What multiplies packed weights: auto, native or java (default: auto).")
  private List<KernelChoice> kernels = List.of(KernelChoice.AUTO);

  @Option(
      names = "--kv-type",
      paramLabel = "TYPE",
      description = "How keys and values are stored: f32 or f16 (${DEFAULT-VALUE}).")
  private KvType kvType = KvType.F32;

  @Option(
      names = {"-r", "--repetitions"},
      paramLabel = "N",
      description = "Runs that count, after one that warms up (${DEFAULT-VALUE}).")
  private int repetitions = 3;

  @Option(
      names = "--json",
      description =
          "Print an object for each combination:"
              + " {\"model\",\"threads\",\"stages\",\"batch\",\"kernels\",\"prompt\",\"generated\","
              + "\"pp_tokens_per_s\",\"pp_deviation\",\"tg_tokens_per_s\",\"tg_deviation\"}.")
  private boolean asJson;

  @Override
  public void run() {
    if (repetitions < 1 || repetitions > 1000) {
      throw new CommandException("--repetitions " + repetitions + ": must be from 1 to 1000");
    }
    TextTable table =
        new TextTable("kernels", "threads", "stages", "batch", "test", "tokens/s", "deviation");
    try (GgufFile file = model.open();
        Progress progress = new Progress()) {
      for (KernelChoice choice : kernels) {
        for (int threadCount : threads) {
          for (int stageCount : stages) {
            for (int batch : batches) {
              try (BenchRun run =
                  BenchRun.start(file, options(file, choice, threadCount, stageCount, batch))) {
                measure(run, progress, table, choice, threadCount, stageCount, batch);
              }
            }
          }
        }
      }
    }
    if (!asJson) {
      Streams.out().print(table);
      Streams.out().flush();
    }
  }

  private PipelineOptions options(
      GgufFile file, KernelChoice choice, int threadCount, int stageCount, int batch) {
    int longest = 0;
    for (int prompt : prompts) {
      longest = Math.max(longest, checked("-p", prompt) + 1);
    }
    for (int count : generated) {
      longest = Math.max(longest, checked("-n", count) + 2);
    }
    int context = ModelSpec.of(file).contextLength();
    if (longest > context) {
      throw new CommandException(
          "-p, -n: " + longest + " tokens do not fit into the model's context of " + context);
    }
    try {
      return PipelineOptions.builder()
          .kernels(EngineOptions.usable(choice))
          .threads(threadCount)
          .stages(stageCount)
          .maxSequences(batch)
          .contextTokens(longest)
          .kvTokens(Math.multiplyExact(Math.ceilDiv(longest, PAGE) * PAGE, batch))
          .kvType(kvType)
          .prefixCache(false)
          .build();
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  private static int checked(String option, int tokens) {
    if (tokens < 1 || tokens > 1 << 20) {
      throw new CommandException(option + " " + tokens + ": must be from 1 to " + (1 << 20));
    }
    return tokens;
  }

  private void measure(
      BenchRun run,
      Progress progress,
      TextTable table,
      KernelChoice choice,
      int threadCount,
      int stageCount,
      int batch) {
    String what = choice.describe();
    for (int prompt : prompts) {
      progress.say(() -> "pp" + prompt + ", " + batch + " at once");
      BenchRun.Rate pp = run.prompts(prompt, batch, repetitions);
      row(table, what, threadCount, stageCount, batch, "pp" + prompt, pp);
      for (int count : generated) {
        progress.say(() -> "tg" + count + ", " + batch + " at once");
        BenchRun.Rate tg = run.generation(count, batch, repetitions);
        if (prompt == prompts.getFirst()) {
          row(table, what, threadCount, stageCount, batch, "tg" + count, tg);
        }
        if (asJson) {
          Json.print(
              json -> {
                json.writeStringField("model", run.model());
                json.writeNumberField("threads", threadCount);
                json.writeNumberField("stages", stageCount);
                json.writeNumberField("batch", batch);
                json.writeStringField("kernels", what);
                json.writeNumberField("prompt", prompt);
                json.writeNumberField("generated", count);
                write(json, "pp", pp);
                write(json, "tg", tg);
              });
        }
      }
    }
  }

  private static void row(
      TextTable table,
      String kernels,
      int threads,
      int stages,
      int batch,
      String test,
      BenchRun.Rate rate) {
    table.row(
        kernels,
        "" + threads,
        "" + stages,
        "" + batch,
        test,
        String.format(Locale.ROOT, "%.2f", rate.mean()),
        String.format(Locale.ROOT, "%.2f", rate.deviation()));
  }

  private static void write(JsonGenerator json, String test, BenchRun.Rate rate)
      throws IOException {
    Json.number(json, test + "_tokens_per_s", rate.mean());
    Json.number(json, test + "_deviation", rate.deviation());
  }
}
