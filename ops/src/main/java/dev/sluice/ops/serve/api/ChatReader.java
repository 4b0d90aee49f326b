package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.stages.chat.ToolReader;
import dev.sluice.stages.chat.Tools;
import dev.sluice.stages.flow.FinishReason;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Tells what one answer of a chat says from the tools that it calls. */
final class ChatReader {
  private final Optional<ToolReader> tools;
  private final String id;
  private int calls;

  /**
   * Nothing read yet.
   *
   * @param tools where tools may be called
   * @param id what the ids of calls begin with
   */
  ChatReader(Optional<ToolReader> tools, String id) {
    this.tools = tools;
    this.id = id;
  }

  /** What is known when this has been written too. */
  List<ToolReader.Part> add(String text) {
    if (tools.isPresent()) {
      return tools.get().add(text);
    }
    return text.isEmpty() ? List.of() : List.of(new ToolReader.Part.Content(text));
  }

  /** What is left at the end. */
  List<ToolReader.Part> end() {
    return tools.map(ToolReader::end).orElse(List.of());
  }

  /** The element of {@code tool_calls} for the next call. */
  void write(JsonGenerator json, Tools.Call call, boolean indexed) throws IOException {
    json.writeStartObject();
    if (indexed) {
      json.writeNumberField("index", calls);
    }
    json.writeStringField("id", id + "_" + calls);
    json.writeStringField("type", "function");
    json.writeObjectFieldStart("function");
    json.writeStringField("name", call.name());
    json.writeStringField("arguments", call.arguments());
    json.writeEndObject();
    json.writeEndObject();
    calls++;
  }

  /** OpenAI's word for how the answer ended. */
  String word(FinishReason reason) {
    return calls > 0 && reason == FinishReason.STOP ? "tool_calls" : ChatHead.word(reason);
  }
}
