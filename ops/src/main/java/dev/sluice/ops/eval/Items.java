package dev.sluice.ops.eval;

import dev.sluice.model.training.corpus.Additions;
import dev.sluice.model.training.corpus.Additions.Addition;
import dev.sluice.model.training.corpus.Exchange;
import dev.sluice.model.training.corpus.Exchanges;
import dev.sluice.model.training.corpus.Question;
import dev.sluice.model.training.corpus.Questions;
import dev.sluice.model.training.corpus.Seeds;
import dev.sluice.model.training.corpus.Stories;
import dev.sluice.model.training.corpus.Story;
import dev.sluice.model.training.corpus.StoryRequest;
import dev.sluice.model.training.corpus.Verdict;
import dev.sluice.model.training.corpus.Wish;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;

/** Draws the items of a task: the same plan gives the same items. */
final class Items {
  /** Items, examples and draws of tokens have indices of their own. */
  private static final long ITEMS = 0;

  private static final long SHOTS = 1L << 32;
  private static final long DRAWS = 2L << 32;
  private static final long TASK = 4L << 32;

  private final EvalTask task;
  private final EvalPlan plan;
  private final boolean chats;
  private final List<Exchange> shots;

  /** Items for a model that chats, or for one that goes on with what it is given. */
  Items(EvalTask task, EvalPlan plan, boolean chats) {
    this.task = task;
    this.plan = plan;
    this.chats = chats;
    this.shots = shots();
  }

  /** An item; the same every time. */
  Item item(int index) {
    SplittableRandom random = random(ITEMS + index);
    return item(inOrder(shots, random.split()), random);
  }

  /** The seed of the draws of an answer. */
  long drawSeed(int item, int sample) {
    return random(DRAWS + (long) item * EvalPlan.MAX_SAMPLES + sample).nextLong();
  }

  private SplittableRandom random(long index) {
    return Seeds.random(plan.seed(), TASK * task.stream() + index);
  }

  /** The examples, which all items share; with each other's answers where the plan says so. */
  private List<Exchange> shots() {
    List<Exchange> shots = new ArrayList<>();
    for (int i = 0; i < plan.shots(); i++) {
      shots.add(example(random(SHOTS + i)));
    }
    if (!plan.shuffleLabels()) {
      return shots;
    }
    List<Exchange> mixed = new ArrayList<>();
    for (int i = 0; i < shots.size(); i++) {
      // to the next one: so that nobody keeps its own
      String answer = shots.get((i + 1) % shots.size()).assistant();
      mixed.add(new Exchange(shots.get(i).user(), answer));
    }
    return mixed;
  }

  private List<Exchange> inOrder(List<Exchange> shots, SplittableRandom random) {
    List<Exchange> order = new ArrayList<>(shots);
    if (plan.shuffleShots()) {
      for (int i = order.size() - 1; i > 0; i--) {
        order.set(i, order.set(random.nextInt(i + 1), order.get(i)));
      }
    }
    return order;
  }

  private Exchange example(SplittableRandom random) {
    return switch (task) {
      case STORIES -> Exchanges.story(StoryRequest.draw(random), random);
      case QUESTIONS -> {
        Story story = Stories.write(random);
        yield Exchanges.question(story, question(story, random), plan.worked());
      }
      case ADDITIONS -> Exchanges.addition(Additions.draw(random, false), plan.worked());
      case PERPLEXITY -> throw new IllegalArgumentException("perplexity has no examples");
    };
  }

  private Item item(List<Exchange> shots, SplittableRandom random) {
    return switch (task) {
      case STORIES -> story(shots, random);
      case QUESTIONS -> {
        Story story = Stories.write(random);
        Question question = question(story, random);
        yield new Item(
            shots,
            Exchanges.question(story, question, plan.worked()),
            "",
            new QuestionJudge(question));
      }
      case ADDITIONS -> {
        Addition addition = Additions.drawLongHeldOut(random);
        yield new Item(
            shots, Exchanges.addition(addition, plan.worked()), "", new AdditionJudge(addition));
      }
      case PERPLEXITY -> throw new IllegalArgumentException("perplexity has no items");
    };
  }

  private static Question question(Story story, SplittableRandom random) {
    return Questions.ask(story, 1, random).getFirst();
  }

  private Item story(List<Exchange> shots, SplittableRandom random) {
    StoryRequest request = StoryRequest.draw(random);
    Story story = Stories.write(random, request.wish());
    return new Item(
        shots,
        new Exchange(request.text(), story.text()),
        story.opening(),
        new StoryJudge(chats ? request.wish() : Wish.ANY));
  }

  /** A story must keep to the grammar, and obey the wish where the model was told of it. */
  private record StoryJudge(Wish wish) implements Item.Judge {
    @Override
    public boolean right(String answer) {
      return Stories.judge(answer, wish).keeps();
    }

    @Override
    public String vote(String answer) {
      return answer;
    }

    @Override
    public String correction(String answer) {
      Verdict verdict = Stories.judge(answer, wish);
      return "sentence " + verdict.sentence() + ": " + verdict.problem();
    }
  }

  /** An answer in the words of the story. */
  private record QuestionJudge(Question question) implements Item.Judge {
    @Override
    public boolean right(String answer) {
      return Questions.right(question, answer);
    }

    @Override
    public String vote(String answer) {
      return Questions.normal(answer);
    }

    @Override
    public String correction(String answer) {
      return "right: " + question.answer();
    }
  }

  /** The last number must be the sum. */
  private record AdditionJudge(Addition addition) implements Item.Judge {
    @Override
    public boolean right(String answer) {
      return Additions.right(addition, answer);
    }

    @Override
    public String vote(String answer) {
      OptionalInt number = Additions.answer(answer);
      return number.isEmpty() ? "" : String.valueOf(number.getAsInt());
    }

    @Override
    public String correction(String answer) {
      return "right: " + addition.sum();
    }
  }
}
