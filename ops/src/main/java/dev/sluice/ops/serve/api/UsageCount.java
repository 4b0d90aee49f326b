package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.stages.flow.Usage;
import java.io.IOException;

/** What a request used, all its answers together; a prompt counts once. */
final class UsageCount {
  private int promptTokens;
  private int cachedTokens;
  private int completionTokens;

  /**
   * Counts an answer.
   *
   * @param countsPrompt whether it is the first to its prompt
   */
  void add(Usage usage, boolean countsPrompt) {
    promptTokens += countsPrompt ? usage.promptTokens() : 0;
    cachedTokens += countsPrompt ? usage.cachedTokens() : 0;
    completionTokens += usage.generatedTokens();
  }

  int promptTokens() {
    return promptTokens;
  }

  int completionTokens() {
    return completionTokens;
  }

  /** The field {@code usage} of chat and text completions. */
  void write(JsonGenerator json) throws IOException {
    json.writeObjectFieldStart("usage");
    json.writeNumberField("prompt_tokens", promptTokens);
    json.writeNumberField("completion_tokens", completionTokens);
    json.writeNumberField("total_tokens", promptTokens + completionTokens);
    json.writeObjectFieldStart("prompt_tokens_details");
    json.writeNumberField("cached_tokens", cachedTokens);
    json.writeEndObject();
    json.writeEndObject();
  }
}
