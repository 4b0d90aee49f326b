package dev.sluice.stages.chat;

import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.List;

/** Writes a conversation as the text that a model was trained on. Immutable, for any thread. */
@SuppressWarnings("DoNotCallSuggester") // signatures first
public final class ChatTemplate {
  private ChatTemplate() {}

  /**
   * The template of the model file ({@code tokenizer.chat_template}), or a fallback.
   *
   * @throws dev.sluice.model.gguf.ModelFileException where the file's template is not understood
   */
  public static ChatTemplate of(GgufMetadata metadata) {
    throw new UnsupportedOperationException(metadata.string("tokenizer.chat_template"));
  }

  /**
   * The text of a conversation.
   *
   * @param addGenerationPrompt whether to end with what begins the assistant's answer
   * @throws ChatTemplateException where the template refuses the messages or fails
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    throw new UnsupportedOperationException(messages.toString() + addGenerationPrompt);
  }

  /**
   * The ids of a conversation: {@link #render} with control tokens parsed, and BOS once where the
   * vocabulary wants one.
   */
  public int[] encode(
      Tokenizer tokenizer, List<ChatMessage> messages, boolean addGenerationPrompt) {
    return tokenizer.encode(render(messages, addGenerationPrompt), false, true);
  }
}
