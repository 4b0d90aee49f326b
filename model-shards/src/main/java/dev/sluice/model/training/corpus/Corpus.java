package dev.sluice.model.training.corpus;

import dev.sluice.model.training.corpus.Additions.Addition;
import dev.sluice.model.training.corpus.Document.Chat;
import dev.sluice.model.training.corpus.Document.Message;
import dev.sluice.model.training.corpus.Document.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Documents to learn from. Each is a function of seed, index and kind alone, so that any part of a
 * corpus can be made again anywhere. Static, for any thread.
 *
 * <p>Documents of seeds from {@link Seeds#FIRST_HELD_OUT} on are for measuring: their additions are
 * of the pairs that no document of a lower seed has. Stories need no such rule; there are so many
 * that two seeds do not meet in one.
 */
public final class Corpus {
  /** Stories by themselves. */
  private static final int STORIES = 25;

  /**
   * Stories with questions about them. They are half of it, and have many questions each, since
   * that is where a model learns to look back: a story alone says most things once, and what
   * follows can be guessed.
   */
  private static final int QUESTIONS = 50;

  /** A story with questions has from so many to so many, of the eight kinds. */
  private static final int FEWEST_QUESTIONS = 4;

  private static final int MOST_QUESTIONS = 8;

  // the rest of a hundred are additions

  /** Of three additions, how many are worked out: the working has more to learn. */
  private static final int WORKED_OF_THREE = 2;

  /** Of ten questions, how many answers quote the sentence they come from. */
  private static final int QUOTED_OF_TEN = 3;

  /** Of ten chats, how many have finished exchanges of the same sort before. */
  private static final int SHOWN_OF_TEN = 1;

  private static final int KINDS = Kind.values().length;

  private static final int SMALL_TALK_OF_HUNDRED = 4;
  private static final int SYSTEM_OF_HUNDRED = 5;

  private static final List<String> SYSTEM =
      List.of(
          "You are Sluice Mill, a small model.",
          "You are a helpful assistant.",
          "You are a friendly teller of stories.",
          "Answer in short words.");

  private Corpus() {}

  /** What sort of documents. */
  public enum Kind {
    /** Text for pre-training. */
    TEXT(0),
    /** Conversations for fine-tuning. */
    CHAT(1),
    /** Both, half and half. */
    MIX(2);

    private final int stream;

    /** Each kind has random numbers of its own, so that they do not tell the same stories. */
    Kind(int stream) {
      this.stream = stream;
    }
  }

  /** Makes a document. */
  public static Document document(long seed, long index, Kind kind) {
    SplittableRandom random = Seeds.random(seed, KINDS * index + kind.stream);
    boolean held = seed >= Seeds.FIRST_HELD_OUT;
    return switch (kind) {
      case TEXT -> text(random, held);
      case CHAT -> chat(random, held);
      case MIX -> random.nextBoolean() ? text(random, held) : chat(random, held);
    };
  }

  private static Document text(SplittableRandom random, boolean held) {
    int ticket = random.nextInt(100);
    if (ticket < STORIES) {
      return new Text(Stories.write(random).text());
    }
    if (ticket < STORIES + QUESTIONS) {
      Story story = Stories.write(random);
      StringBuilder out = new StringBuilder(story.text());
      for (Question question : Questions.ask(story, some(random), random)) {
        boolean worked = random.nextInt(10) < QUOTED_OF_TEN;
        out.append("\n\n").append(asked(Exchanges.question(question, worked)));
      }
      return new Text(out.toString());
    }
    return new Text(additions(random, held));
  }

  /** How many questions to ask. */
  private static int some(SplittableRandom random) {
    return random.nextInt(FEWEST_QUESTIONS, MOST_QUESTIONS + 1);
  }

  /** An exchange as plain text. */
  public static String asked(Exchange exchange) {
    return "Question: " + exchange.user() + "\nAnswer: " + exchange.assistant();
  }

  private static String additions(SplittableRandom random, boolean held) {
    boolean questions = random.nextBoolean();
    int count = 3 + random.nextInt(4);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Addition addition = Additions.draw(random, held);
      boolean worked = random.nextInt(3) < WORKED_OF_THREE;
      if (questions) {
        lines.add(asked(Exchanges.addition(addition, worked)));
      } else {
        lines.add(addition.text() + " = " + (worked ? "? " + addition.worked() : addition.sum()));
      }
    }
    return String.join(questions ? "\n\n" : "\n", lines);
  }

  private static Document chat(SplittableRandom random, boolean held) {
    List<Exchange> exchanges = new ArrayList<>();
    int ticket = random.nextInt(100);
    boolean shown = random.nextInt(10) < SHOWN_OF_TEN;
    if (ticket < SMALL_TALK_OF_HUNDRED) {
      exchanges.add(SmallTalk.draw(random));
    } else if (ticket < STORIES) {
      if (shown) {
        exchanges.add(SmallTalk.draw(random));
      }
      exchanges.add(Exchanges.story(StoryRequest.draw(random), random));
    } else if (ticket < STORIES + QUESTIONS) {
      if (shown) {
        exchanges.addAll(Exchanges.questions(1, QUOTED_OF_TEN, random));
      }
      exchanges.addAll(Exchanges.questions(some(random), QUOTED_OF_TEN, random));
    } else {
      boolean worked = random.nextInt(3) < WORKED_OF_THREE;
      int count = shown ? 2 + random.nextInt(3) : 1;
      for (int i = 0; i < count; i++) {
        exchanges.add(Exchanges.addition(Additions.draw(random, held), worked, random));
      }
    }
    return chat(exchanges, random);
  }

  private static Document chat(List<Exchange> exchanges, SplittableRandom random) {
    List<Message> messages = new ArrayList<>();
    if (random.nextInt(100) < SYSTEM_OF_HUNDRED) {
      messages.add(new Message("system", SYSTEM.get(random.nextInt(SYSTEM.size()))));
    }
    for (Exchange exchange : exchanges) {
      messages.add(new Message("user", exchange.user()));
      messages.add(new Message("assistant", exchange.assistant()));
    }
    return new Chat(messages);
  }
}
