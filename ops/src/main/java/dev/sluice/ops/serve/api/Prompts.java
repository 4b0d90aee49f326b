package dev.sluice.ops.serve.api;

import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.chat.ChatTemplateException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Reads conversations, and writes them as the model knows them. */
final class Prompts {
  private static final int MAX_MESSAGES = 4_096;
  private static final int MAX_PARTS = 1_024;
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  private Prompts() {}

  /** Checks that a request means the model that is served. */
  static void checkModel(ServedModel model, JsonFields fields) {
    String wanted = fields.text("model").orElse(model.id());
    if (!wanted.equals(model.id())) {
      throw ApiException.unknownModel(
          "the model '%s' is not served here; '%s' is".formatted(shortened(wanted), model.id()));
    }
  }

  /** Checks that ids are of the model's vocabulary. */
  static void checkIds(ServedModel model, String param, List<Integer> ids) {
    int size = model.tokenizer().vocabularySize();
    for (int id : ids) {
      if (id < 0 || id >= size) {
        throw ApiException.invalid(
            param, "%s: token %d is outside the vocabulary of %d".formatted(param, id, size));
      }
    }
  }

  private static String shortened(String name) {
    return name.length() <= 100 ? name : name.substring(0, 100) + "…";
  }

  /** The field {@code messages}. */
  static List<ChatMessage> messages(JsonFields fields) {
    List<JsonFields> given =
        fields.objects("messages", MAX_MESSAGES).orElseThrow(() -> fields.missing("messages"));
    if (given.isEmpty()) {
      throw ApiException.invalid(fields.at("messages"), "messages: must have at least one");
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonFields message : given) {
      messages.add(message(message, "text"));
    }
    return messages;
  }

  /**
   * One message.
   *
   * @param partTypes what a part of text may be called
   */
  static ChatMessage message(JsonFields message, String... partTypes) {
    String role = message.word("role", ROLES).orElseThrow(() -> message.missing("role"));
    String content = content(message, partTypes);
    message.text("name");
    message.only("refusal", "not supported");
    message.unsupported("tool_calls", "function_call", "audio");
    if (role.equals("tool")) {
      message.requiredText("tool_call_id");
    }
    message.end();
    // OpenAI's newer name; templates know the older one.
    return new ChatMessage(role.equals("developer") ? "system" : role, content);
  }

  private static String content(JsonFields message, String... partTypes) {
    if (!message.isArray("content")) {
      return message.requiredText("content");
    }
    StringBuilder text = new StringBuilder();
    for (JsonFields part : message.objects("content", MAX_PARTS).orElse(List.of())) {
      String type = part.requiredText("type");
      if (!List.of(partTypes).contains(type)) {
        throw ApiException.unsupported(
            part.at("type"), part.at("type") + ": this model reads text only");
      }
      text.append(part.requiredText("text"));
      part.only("annotations", "not supported", List.of());
      part.only("logprobs", "not supported", List.of());
      part.end();
    }
    return text.toString();
  }

  /**
   * The ids of a conversation.
   *
   * @throws ApiException where the model's template refuses it
   */
  static List<Integer> ids(ServedModel model, List<ChatMessage> messages) {
    return Arrays.stream(ChatTemplate.encode(model.tokenizer(), rendered(model, messages)))
        .boxed()
        .toList();
  }

  /** The text of a conversation. */
  static String rendered(ServedModel model, List<ChatMessage> messages) {
    try {
      return model.template().render(messages, true);
    } catch (ChatTemplateException e) {
      throw ApiException.invalid("messages", "the model's chat template: " + e.problem());
    }
  }
}
