package dev.sluice.stages.chat;

import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Writes a conversation as the text that a model was trained on. Immutable, for any thread.
 *
 * <p>A model file's own template ({@code tokenizer.chat_template}) is a Jinja template. It comes
 * with the model, so it is not trusted: it reaches no Java class, no file and no other template,
 * and its output, its loops and what it puts together are limited. What users write is data to it
 * and is never read as a template.
 */
public final class ChatTemplate {
  /** Where a template comes from. */
  public enum Source {
    /** The model file has it. */
    MODEL,
    /** The file has none, but its vocabulary has the tokens of ChatML. */
    CHATML,
    /** The file has none: names and colons, as in a play. */
    PLAIN
  }

  static final String KEY = "tokenizer.chat_template";

  private static final String CHATML_START = "<|im_start|>";
  private static final String CHATML_END = "<|im_end|>";

  private final Source source;
  private final Form form;
  private final String text;

  private ChatTemplate(Source source, Form form, String text) {
    this.source = source;
    this.form = form;
    this.text = text;
  }

  /** How a conversation is written. */
  interface Form {
    String render(
        List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, Object> variables);
  }

  /** As {@link #of(GgufMetadata, Tokenizer)}, where there is no tokenizer yet. */
  public static ChatTemplate of(GgufMetadata metadata) {
    return of(metadata, Tokenizer.of(metadata));
  }

  /**
   * The template of the model file ({@code tokenizer.chat_template}). A file without one gets
   * ChatML where the vocabulary has {@code <|im_start|>} and {@code <|im_end|>}, else plain text;
   * {@link #source} says which.
   *
   * @throws ModelFileException where the file's template is not well-formed
   */
  public static ChatTemplate of(GgufMetadata metadata, Tokenizer tokenizer) {
    if (metadata.has(KEY)) {
      try {
        String template = metadata.string(KEY);
        Form form =
            JinjaForm.of(
                template, text(tokenizer, tokenizer.bos()), text(tokenizer, tokenizer.eos()));
        return new ChatTemplate(Source.MODEL, form, template);
      } catch (ChatTemplateException e) {
        throw new ModelFileException(metadata.file(), KEY + ": " + e.problem(), e);
      }
    }
    boolean chatml = isToken(tokenizer, CHATML_START) && isToken(tokenizer, CHATML_END);
    return chatml
        ? new ChatTemplate(Source.CHATML, ChatTemplate::chatml, "")
        : new ChatTemplate(Source.PLAIN, ChatTemplate::plain, "");
  }

  /** Where this template comes from. */
  public Source source() {
    return source;
  }

  /**
   * Strings at which an answer ends beside the model's end-of-generation tokens: with plain text, a
   * model may go on and write the user's next line.
   */
  public List<String> stopStrings() {
    return source == Source.PLAIN ? List.of("\nUser:") : List.of();
  }

  /**
   * Whether it knows the variable {@code tools}, messages with {@code tool_calls} and those of the
   * role {@code tool}; where it does not, the model is told of tools in words.
   */
  public boolean knowsTools() {
    return text.contains("tools") && text.contains("tool_calls");
  }

  /** How its model writes that it wants a tool. */
  public ToolStyle toolStyle() {
    return ToolStyle.of(knowsTools() ? text : "");
  }

  /**
   * The text of a conversation.
   *
   * @param addGenerationPrompt whether to end with what begins the assistant's answer
   * @throws ChatTemplateException where the template refuses the messages or fails
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    return render(messages, addGenerationPrompt, Map.of());
  }

  /**
   * As {@link #render(List, boolean)}, with more variables that the model's template knows, such as
   * {@code enable_thinking}. Values are strings, numbers, booleans, or lists and maps of them.
   */
  public String render(
      List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, Object> variables) {
    return form.render(List.copyOf(messages), addGenerationPrompt, variables);
  }

  /**
   * The ids of a conversation: {@link #render} with control tokens parsed, and BOS in front once
   * where the vocabulary wants it, whether or not the template writes it.
   */
  public int[] encode(
      Tokenizer tokenizer, List<ChatMessage> messages, boolean addGenerationPrompt) {
    return encode(tokenizer, render(messages, addGenerationPrompt));
  }

  /**
   * The ids of a conversation that has been rendered: see {@link #encode(Tokenizer, List,
   * boolean)}.
   */
  public static int[] encode(Tokenizer tokenizer, String rendered) {
    int[] ids = tokenizer.encode(rendered, false, true);
    OptionalInt bos = tokenizer.bos();
    if (!tokenizer.addsBos() || bos.isEmpty() || (ids.length > 0 && ids[0] == bos.getAsInt())) {
      return ids;
    }
    int[] begun = new int[ids.length + 1];
    begun[0] = bos.getAsInt();
    System.arraycopy(ids, 0, begun, 1, ids.length);
    return begun;
  }

  private static String chatml(
      List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, Object> variables) {
    StringBuilder text = new StringBuilder();
    for (ChatMessage message : messages) {
      text.append(CHATML_START).append(message.role()).append('\n');
      text.append(message.content()).append(CHATML_END).append('\n');
    }
    return (addGenerationPrompt ? text.append(CHATML_START).append("assistant\n") : text)
        .toString();
  }

  private static String plain(
      List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, Object> variables) {
    StringBuilder text = new StringBuilder();
    for (ChatMessage message : messages) {
      String name =
          switch (message.role()) {
            case "system" -> "";
            case "user" -> "User: ";
            case "assistant" -> "Assistant: ";
            default -> message.role() + ": ";
          };
      text.append(name).append(message.content().strip()).append("\n\n");
    }
    return (addGenerationPrompt ? text.append("Assistant:") : text).toString();
  }

  private static String text(Tokenizer tokenizer, OptionalInt id) {
    return id.isEmpty() ? "" : tokenizer.piece(id.getAsInt());
  }

  private static boolean isToken(Tokenizer tokenizer, String text) {
    int[] ids = tokenizer.encode(text, false, true);
    return ids.length == 1 && Arrays.stream(ids).allMatch(id -> tokenizer.piece(id).equals(text));
  }
}
