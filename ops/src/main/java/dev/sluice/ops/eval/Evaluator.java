package dev.sluice.ops.eval;

import akka.NotUsed;
import akka.actor.ClassicActorSystemProvider;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Progress;
import dev.sluice.ops.eval.PromptForm.Prompt;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextGeneration;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenGenerator;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Puts tasks to a model, many sequences at a time, and counts. The same plan and model give the
 * same outcome, however many sequences run at a time. For one thread.
 */
public final class Evaluator {
  private final TokenGenerator generator;
  private final Tokenizer tokenizer;
  private final PromptForm form;
  private final ClassicActorSystemProvider system;
  private final Settings settings;

  /**
   * What an evaluation has of the model's pipeline.
   *
   * @param parallel how many sequences run at a time
   * @param contextTokens the longest sequence
   * @param maxTokens the most tokens of an answer; 0: as many as each task needs
   */
  public record Settings(int parallel, int contextTokens, int maxTokens) {}

  /** Hears of wrong answers. */
  @FunctionalInterface
  public interface WrongAnswers {
    /**
     * An answer was wrong.
     *
     * @param asked what the model was asked
     * @param answer what it said
     * @param correction what is wrong with it
     */
    void heard(String asked, String answer, String correction);
  }

  /**
   * An evaluation of the model behind a generator.
   *
   * @param template how the model is asked; null: by lines of questions and answers
   */
  public Evaluator(
      TokenGenerator generator,
      Tokenizer tokenizer,
      @Nullable ChatTemplate template,
      ClassicActorSystemProvider system,
      Settings settings) {
    this.generator = generator;
    this.tokenizer = tokenizer;
    this.form = PromptForm.of(tokenizer, template);
    this.system = system;
    this.settings = settings;
  }

  /** Whether the model is asked by a chat template. */
  public boolean chats() {
    return form.chats();
  }

  /**
   * Asks the items of a task, counts right answers, and scores the right answers.
   *
   * @param drawing how tokens are drawn, for a seed
   * @throws CommandException when an item does not fit into the context
   */
  public Outcome.Graded graded(
      EvalTask task, EvalPlan plan, LongFunction<SamplingParameters> drawing, WrongAnswers wrong) {
    Items items = new Items(task, plan, form.chats());
    int right = answered(task, plan, items, drawing, wrong);
    Score score =
        sum(
            Source.range(0, plan.items() - 1)
                .mapAsync(settings.parallel(), index -> score(form.prompt(items.item(index)))),
            task.word() + ": scored %d of " + plan.items());
    return new Outcome.Graded(task, plan.items(), right, score.logProbability(), score.tokens());
  }

  private int answered(
      EvalTask task,
      EvalPlan plan,
      Items items,
      LongFunction<SamplingParameters> drawing,
      WrongAnswers wrong) {
    Tally tally = new Tally(task, plan, items, wrong);
    try (Progress progress = new Progress()) {
      Source.range(0, plan.items() - 1)
          .mapConcat(
              index -> {
                Item item = items.item(index);
                TextRequest.Builder request = request(task, plan, form.prompt(item));
                return IntStream.range(0, plan.samples())
                    .mapToObj(
                        sample ->
                            request.sampling(drawing.apply(items.drawSeed(index, sample))).build())
                    .toList();
              })
          .mapAsync(settings.parallel(), this::answer)
          .grouped(plan.samples())
          .runWith(
              Sink.foreach(
                  answers -> {
                    tally.count(answers);
                    progress.say(tally::text);
                  }),
              system)
          .toCompletableFuture()
          .join();
    }
    return tally.right;
  }

  private TextRequest.Builder request(EvalTask task, EvalPlan plan, Prompt prompt) {
    int room = settings.contextTokens() - prompt.ids().size();
    if (room < 1 || prompt.scored().size() > settings.contextTokens()) {
      throw new CommandException(
          task.word()
              + ": an item has "
              + Math.max(prompt.ids().size(), prompt.scored().size())
              + " tokens, with "
              + plan.shots()
              + " examples, and the context holds "
              + settings.contextTokens()
              + ": ask for fewer --shots or a longer --ctx");
    }
    int most = settings.maxTokens() > 0 ? settings.maxTokens() : task.tokens(plan.worked());
    return TextRequest.builder(new TextRequest.Prompt.Ids(prompt.ids()))
        .maxTokens(Math.min(room, most))
        .stop(form.stops(task, plan.worked()).toArray(String[]::new));
  }

  private CompletionStage<String> answer(TextRequest request) {
    return TextGeneration.source(tokenizer, generator, request)
        .runWith(
            Sink.fold(
                new StringBuilder(),
                (text, event) ->
                    event instanceof TextEvent.Piece piece ? text.append(piece.text()) : text),
            system)
        .thenApply(StringBuilder::toString);
  }

  private CompletionStage<Score> score(Prompt prompt) {
    return score(prompt.scored().stream().mapToInt(Integer::intValue).toArray(), prompt.from());
  }

  /** The log-probability of the tokens from a position on, each after those before it. */
  private CompletionStage<Score> score(int[] ids, int from) {
    int first = Math.max(1, from);
    TokenRequest request = new TokenRequest(ids, SamplingParameters.GREEDY, 0, new int[0], true);
    return generator
        .generate(request)
        .runWith(
            Sink.<Double, TokenEvent>fold(
                0.0,
                (sum, event) ->
                    event instanceof TokenEvent.Scored scored && scored.position() >= first - 1
                        ? sum + scored.nextLogProbability().orElse(0)
                        : sum),
            system)
        .thenApply(sum -> Score.of(sum, ids.length - first));
  }

  /**
   * How likely texts are.
   *
   * @param name what they are called
   * @param texts token ids, each to be predicted from its second token on
   */
  public Outcome.Likelihood likelihood(String name, List<int[]> texts) {
    return sum(
            Source.from(texts).mapAsync(settings.parallel(), ids -> score(ids, 1)),
            "perplexity: scored %d of " + texts.size())
        .likelihood(name);
  }

  private Score sum(Source<Score, NotUsed> scores, String text) {
    try (Progress progress = new Progress()) {
      return scores
          .runWith(
              Sink.fold(
                  Score.NONE,
                  (sum, each) -> {
                    Score all = sum.plus(each);
                    progress.say(() -> text.formatted(all.texts()));
                    return all;
                  }),
              system)
          .toCompletableFuture()
          .join();
    }
  }

  /** Counts right answers, item after item. */
  private final class Tally {
    private final EvalTask task;
    private final EvalPlan plan;
    private final Items items;
    private final WrongAnswers wrong;
    private int done;
    private int right;

    Tally(EvalTask task, EvalPlan plan, Items items, WrongAnswers wrong) {
      this.task = task;
      this.plan = plan;
      this.items = items;
      this.wrong = wrong;
    }

    void count(List<String> answers) {
      Item item = items.item(done);
      String before = form.chats() ? "" : item.opening();
      List<String> whole = answers.stream().map(answer -> before + answer).toList();
      String answer = Votes.winner(whole, item.judge());
      if (item.judge().right(answer)) {
        right++;
      } else {
        wrong.heard(item.asked().user(), answer, item.judge().correction(answer));
      }
      done++;
    }

    String text() {
      return "%s: %d of %d, %d right".formatted(task.word(), done, plan.items(), right);
    }
  }
}
