package dev.sluice.ops.train;

import dev.sluice.ops.CommandException;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.chat.ChatTemplateException;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Documents as token ids, and which of these are learnt. Immutable, for any thread.
 *
 * <p>A text is encoded as the vocabulary wants it, with its end token behind it, and learnt whole.
 * A conversation is written by the model's chat template; either all of it is learnt, or what the
 * assistant says and the token that ends it.
 */
final class DocumentEncoder {
  private static final String ASSISTANT = "assistant";

  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final boolean answersOnly;
  private final int[] endOfGeneration;

  /** The ids of a document; {@code learnt} has a mark for each, or is null where all are learnt. */
  static final class Encoded {
    final int[] ids;
    final boolean @Nullable [] learnt;

    private Encoded(int[] ids, boolean @Nullable [] learnt) {
      this.ids = ids;
      this.learnt = learnt;
    }
  }

  /**
   * An encoder.
   *
   * @param answersOnly whether of a conversation only the assistant's messages are learnt
   */
  DocumentEncoder(Tokenizer tokenizer, ChatTemplate template, boolean answersOnly) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.answersOnly = answersOnly;
    this.endOfGeneration = tokenizer.endOfGeneration();
  }

  /**
   * Encodes a document.
   *
   * @throws CommandException naming the document, where the template cannot write it
   */
  Encoded encode(Documents.Document document) {
    String text = document.text();
    if (text != null) {
      return new Encoded(ended(tokenizer.encode(text, true, false)), null);
    }
    try {
      String all = template.render(document.messages(), false);
      int[] ids = ChatTemplate.encode(tokenizer, all);
      return new Encoded(ids, answersOnly ? answers(document, all, ids) : null);
    } catch (ChatTemplateException e) {
      throw new CommandException(document.where() + ": " + e.getMessage(), e);
    }
  }

  private int[] ended(int[] ids) {
    OptionalInt end = tokenizer.eos();
    if (end.isEmpty() || (ids.length > 0 && ids[ids.length - 1] == end.getAsInt())) {
      return ids;
    }
    int[] ended = Arrays.copyOf(ids, ids.length + 1);
    ended[ids.length] = end.getAsInt();
    return ended;
  }

  /**
   * Marks what lies between the text up to where an answer begins, generation prompt included, and
   * the text up to where it ends. Both are beginnings of the whole, or the model would be trained
   * on other text than it is later prompted with.
   */
  private boolean[] answers(Documents.Document document, String all, int[] ids) {
    boolean[] learnt = new boolean[ids.length];
    List<ChatMessage> messages = document.messages();
    for (int i = 0; i < messages.size(); i++) {
      if (messages.get(i).role().equals(ASSISTANT)) {
        String before = template.render(messages.subList(0, i), true);
        String behind = template.render(messages.subList(0, i + 1), false);
        if (!behind.startsWith(before) || !all.startsWith(behind)) {
          throw new CommandException(
              document.where()
                  + ": the chat template writes message "
                  + (i + 1)
                  + " otherwise when more follows, so what a prompt will be is not what would be"
                  + " learnt; end the conversation with this message");
        }
        int from = common(ids, ChatTemplate.encode(tokenizer, before));
        int end = common(ids, ChatTemplate.encode(tokenizer, behind));
        Arrays.fill(learnt, from, withoutWhatFollows(ids, from, end), true);
      }
    }
    return learnt;
  }

  /** The end of an answer: behind its last end token, if it has one. */
  private int withoutWhatFollows(int[] ids, int from, int end) {
    for (int i = end - 1; i >= from; i--) {
      if (Arrays.binarySearch(endOfGeneration, ids[i]) >= 0) {
        return i + 1;
      }
    }
    return Math.max(from, end);
  }

  private static int common(int[] a, int[] b) {
    int differs = Arrays.mismatch(a, b);
    return differs < 0 ? a.length : differs;
  }
}
