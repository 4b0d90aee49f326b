package dev.sluice.ops;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.training.corpus.Seeds;
import dev.sluice.ops.eval.EvalPlan;
import dev.sluice.ops.eval.EvalReport;
import dev.sluice.ops.eval.EvalTask;
import dev.sluice.ops.eval.Evaluator;
import dev.sluice.ops.eval.Outcome;
import dev.sluice.ops.eval.TextPieces;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.sampling.SamplingParameters;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice eval}: how well a model does what the shipped one was made for. */
@Command(
    name = "eval",
    description = {
      "Measures a model: stories that keep to a grammar, questions about a given story, additions"
          + " of three digits, perplexity.",
      "A model with a chat template is asked by it, any other by lines of questions and answers.",
      "Prints the share of right answers with its 95 %% interval (Wilson), and the log-probability"
          + " of the right answers, all their tokens given one after the other."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class EvalCommand implements Runnable {
  private static final int SHOWN_CHARACTERS = 1000;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private ModelOption model = new ModelOption();

  @Option(
      names = "--tasks",
      paramLabel = "TASK",
      split = ",",
      description =
          "stories, questions, additions, perplexity, with commas between (default: all).")
  private Set<EvalTask> tasks = new LinkedHashSet<>(List.of(EvalTask.values()));

  @Option(
      names = {"-n", "--items"},
      paramLabel = "N",
      description = "Items of each task (default ${DEFAULT-VALUE}).")
  private int items = 200;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description =
          "Draws items and answers; from 1000000 on, nothing was trained on"
              + " (default ${DEFAULT-VALUE}).")
  private long seed = Seeds.FIRST_HELD_OUT;

  @Option(names = "--cot", description = "Ask to think step by step.")
  private boolean worked;

  @Option(
      names = "--shots",
      paramLabel = "K",
      description = "Examples with answers before each item (default ${DEFAULT-VALUE}).")
  private int shots;

  @Option(
      names = "--shuffle-shots",
      description = "Give each item the examples in an order of its own.")
  private boolean shuffleShots;

  @Option(
      names = "--shuffle-labels",
      description = "Give the examples each other's answers: are they looked at?")
  private boolean shuffleLabels;

  @Option(
      names = "--samples",
      paramLabel = "K",
      description =
          "Draw K answers to a question or addition; what most of them come to counts"
              + " (default ${DEFAULT-VALUE}).")
  private int samples = 1;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description = "The text for perplexity (default: held-out text of 'train corpus').")
  private @Nullable Path text;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "Most tokens of an answer (default: what the task needs).")
  private int maxTokens;

  @Option(
      names = "--plain",
      description = "Ask by lines of questions and answers, chat template or not.")
  private boolean plain;

  @Option(
      names = "--parallel",
      paramLabel = "N",
      description = "Sequences at a time; the outcome is the same (default ${DEFAULT-VALUE}).")
  private int parallel = 16;

  @Option(
      names = "--show-wrong",
      paramLabel = "N",
      description = "Print the first N wrong answers of each task on standard error.")
  private int showWrong;

  @Option(names = "--json", description = "Print one JSON object instead of the table.")
  private boolean asJson;

  @Mixin private DrawOptions draw = new DrawOptions();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Override
  public void run() {
    EvalPlan plan = plan(samples);
    String passage = text == null ? null : Streams.readFile(text);
    if (seed < Seeds.FIRST_HELD_OUT) {
      Streams.err().println("sluice: seeds below 1000000 may have been trained on");
    }
    try (Session session =
        Session.open(
            model,
            cluster,
            file -> engine.pipelineForMany(parallel, ModelSpec.of(file).contextLength()))) {
      Evaluator evaluator =
          new Evaluator(
              session.engine().generator(),
              session.tokenizer(),
              plain ? null : ChatTemplate.of(session.file().metadata(), session.tokenizer()),
              session.engine().system(),
              new Evaluator.Settings(parallel, session.contextTokens(), maxTokens));
      List<Outcome> outcomes = new ArrayList<>();
      for (EvalTask task : tasks) {
        outcomes.add(
            task == EvalTask.PERPLEXITY
                ? likelihood(evaluator, session, passage)
                : evaluator.graded(
                    task,
                    task == EvalTask.STORIES ? plan(1) : plan,
                    drawing(task),
                    new Shown(task, showWrong)));
      }
      EvalReport report = new EvalReport(plan, evaluator.chats(), outcomes);
      if (asJson) {
        Json.print(report::write);
      } else {
        Streams.out().print(report.table());
        Streams.out().flush();
      }
    }
  }

  private EvalPlan plan(int samplesOfItem) {
    try {
      return new EvalPlan(items, seed, worked, shots, shuffleShots, shuffleLabels, samplesOfItem);
    } catch (IllegalArgumentException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  private Outcome likelihood(Evaluator evaluator, Session session, @Nullable String passage) {
    if (passage == null) {
      return evaluator.likelihood(
          "held-out text",
          TextPieces.heldOut(seed, items, session.tokenizer(), session.contextTokens()));
    }
    try {
      return evaluator.likelihood(
          String.valueOf(text),
          TextPieces.of(passage, session.tokenizer(), session.contextTokens()));
    } catch (IllegalArgumentException e) {
      throw new CommandException(text + ": " + Failures.message(e), e);
    }
  }

  /**
   * Stories are drawn as {@code run} draws. Where there is one right answer, the most likely token
   * is taken each time, unless several answers or a temperature are asked for.
   */
  private LongFunction<SamplingParameters> drawing(EvalTask task) {
    boolean drawn =
        task == EvalTask.STORIES
            || samples > 1
            || spec.commandLine().getParseResult().hasMatchedOption("--temp");
    return drawSeed -> {
      SamplingParameters.Builder parameters = draw.parameters(drawSeed);
      return (drawn ? parameters : parameters.temperature(0)).build();
    };
  }

  /** Prints the first wrong answers. */
  private static final class Shown implements Evaluator.WrongAnswers {
    private final EvalTask task;
    private int left;

    Shown(EvalTask task, int count) {
      this.task = task;
      this.left = count;
    }

    @Override
    public void heard(String asked, String answer, String correction) {
      if (left > 0) {
        left--;
        PrintStream err = Streams.err();
        err.println(task.word() + ": " + cut(asked));
        err.println("  said: " + cut(answer));
        err.println("  " + correction);
        err.flush();
      }
    }

    private static String cut(String text) {
      String line = text.strip().replace('\n', ' ');
      return line.length() <= SHOWN_CHARACTERS ? line : line.substring(0, SHOWN_CHARACTERS) + " …";
    }
  }
}
