package dev.sluice.ops.eval;

import dev.sluice.model.training.corpus.Corpus;
import dev.sluice.model.training.corpus.Exchange;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How items are put to a model: by its chat template, or, where it has none, as a text of questions
 * and answers to go on with. Immutable.
 */
final class PromptForm {
  private static final String ANSWER = "Answer:";

  private final Tokenizer tokenizer;
  private final @Nullable ChatTemplate template;

  private PromptForm(Tokenizer tokenizer, @Nullable ChatTemplate template) {
    this.tokenizer = tokenizer;
    this.template = template;
  }

  /** The form for a model: chat where its file or its vocabulary says how. */
  static PromptForm of(Tokenizer tokenizer, @Nullable ChatTemplate template) {
    boolean chats = template != null && template.source() != ChatTemplate.Source.PLAIN;
    return new PromptForm(tokenizer, chats ? template : null);
  }

  /**
   * A prompt, ready for the model.
   *
   * @param ids its tokens
   * @param scored its tokens and those of the right answer
   * @param from where in {@code scored} the answer begins
   * @param before what belongs in front of what the model says
   */
  record Prompt(List<Integer> ids, List<Integer> scored, int from, String before) {}

  /** Whether it is the model's chat template. */
  boolean chats() {
    return template != null;
  }

  /** Strings at which an answer ends, beside the model's own end. */
  List<String> stops(EvalTask task, boolean worked) {
    if (template != null) {
      return template.stopStrings();
    }
    return worked && task != EvalTask.STORIES ? List.of("\nQuestion:") : List.of("\n");
  }

  /** The prompt of an item. */
  Prompt prompt(Item item) {
    String text = template == null ? plain(item) : chat(template, item);
    String answer = template == null ? " " + plainAnswer(item) : item.asked().assistant();
    int[] ids = ChatTemplate.encode(tokenizer, text);
    int[] scored = ChatTemplate.encode(tokenizer, text + answer);
    int from = 0;
    // a tokenizer may join the end of the prompt and the start of the answer
    while (from < ids.length && from < scored.length - 1 && ids[from] == scored[from]) {
      from++;
    }
    return new Prompt(list(ids), list(scored), from, template == null ? item.opening() : "");
  }

  private static List<Integer> list(int[] ids) {
    List<Integer> list = new ArrayList<>(ids.length);
    for (int id : ids) {
      list.add(id);
    }
    return list;
  }

  private static String chat(ChatTemplate template, Item item) {
    List<ChatMessage> messages = new ArrayList<>();
    for (Exchange shot : item.shots()) {
      messages.add(new ChatMessage("user", shot.user()));
      messages.add(new ChatMessage("assistant", shot.assistant()));
    }
    messages.add(new ChatMessage("user", item.asked().user()));
    return template.render(messages, true);
  }

  private static String plain(Item item) {
    StringBuilder text = new StringBuilder();
    boolean story = !item.opening().isEmpty();
    for (Exchange shot : item.shots()) {
      text.append(story ? shot.assistant() : Corpus.asked(shot)).append("\n\n");
    }
    return text.append(story ? item.opening() : unanswered(item.asked())).toString();
  }

  /** As the corpus writes it, up to where the answer begins. */
  private static String unanswered(Exchange asked) {
    String text = Corpus.asked(new Exchange(asked.user(), ""));
    return text.substring(0, text.lastIndexOf(ANSWER) + ANSWER.length());
  }

  private static String plainAnswer(Item item) {
    String answer = item.asked().assistant();
    return item.opening().isEmpty() ? answer : answer.substring(item.opening().length() + 1);
  }
}
