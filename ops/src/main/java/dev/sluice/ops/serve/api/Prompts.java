package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.chat.ChatTemplateException;
import dev.sluice.stages.chat.ToolStyle;
import dev.sluice.stages.chat.Tools;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads conversations, and writes them as the model knows them. */
final class Prompts {
  private static final int MAX_MESSAGES = 4_096;
  private static final int MAX_PARTS = 1_024;
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  private static final String CALLS = "tool_calls";
  private static final ObjectMapper JSON = new ObjectMapper();

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
    Map<String, Object> more = new HashMap<>();
    if (role.equals("assistant")) {
      message
          .objects("tool_calls", Tools.MAX_TOOLS)
          .filter(calls -> !calls.isEmpty())
          .ifPresent(calls -> more.put(CALLS, calls.stream().map(Prompts::call).toList()));
    }
    String content = more.isEmpty() || message.has("content") ? content(message, partTypes) : "";
    Optional<String> name = message.text("name");
    message.only("refusal", "not supported");
    message.unsupported("function_call", "audio");
    if (role.equals("tool")) {
      more.put("tool_call_id", message.requiredText("tool_call_id"));
      name.ifPresent(function -> more.put("name", function));
    }
    message.end();
    // OpenAI's newer name; templates know the older one.
    return new ChatMessage(role.equals("developer") ? "system" : role, content, more);
  }

  /** A call in a message, as templates know it: its arguments are an object, not text. */
  private static Object call(JsonFields call) {
    String id = call.requiredText("id");
    call.only("type", "only functions are supported", "function");
    JsonFields function = call.object("function").orElseThrow(() -> call.missing("function"));
    call.end();
    String name = function.requiredText("name");
    Object arguments = JSON.convertValue(function.requiredJson("arguments"), Map.class);
    function.end();
    return Map.of(
        "id", id, "type", "function", "function", Map.of("name", name, "arguments", arguments));
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
  static List<Integer> ids(ServedModel model, List<ChatMessage> messages, Optional<Tools> tools) {
    return Arrays.stream(ChatTemplate.encode(model.tokenizer(), rendered(model, messages, tools)))
        .boxed()
        .toList();
  }

  /** The text of a conversation. */
  static String rendered(ServedModel model, List<ChatMessage> messages, Optional<Tools> tools) {
    ChatTemplate template = model.template();
    try {
      return template.knowsTools()
          ? template.render(
              messages,
              true,
              tools.<Map<String, Object>>map(t -> Map.of("tools", t.variable())).orElse(Map.of()))
          : template.render(inWords(messages, tools, template.toolStyle()), true);
    } catch (ChatTemplateException e) {
      throw ApiException.invalid("messages", "the model's chat template: " + e.problem());
    }
  }

  /** Tools, their calls and their answers, for a model whose template knows none of them. */
  private static List<ChatMessage> inWords(
      List<ChatMessage> messages, Optional<Tools> tools, ToolStyle style) {
    List<ChatMessage> said = new ArrayList<>();
    for (ChatMessage message : messages) {
      if (message.role().equals("tool")) {
        said.add(
            new ChatMessage(
                "user", "<tool_response>\n" + message.content() + "\n</tool_response>"));
      } else if (message.more().get(CALLS) instanceof List<?> calls) {
        StringBuilder text = new StringBuilder(message.content());
        for (Object call : calls) {
          JsonNode function = JSON.<JsonNode>valueToTree(call).path("function");
          text.append(
              style.written(function.path("name").asText(), function.path("arguments").toString()));
        }
        said.add(new ChatMessage(message.role(), text.toString()));
      } else {
        said.add(message);
      }
    }
    if (tools.isPresent()) {
      String told = tools.get().instructions();
      boolean hasSystem = said.getFirst().role().equals("system");
      ChatMessage system =
          new ChatMessage(
              "system", hasSystem ? said.removeFirst().content() + "\n\n" + told : told);
      said.addFirst(system);
    }
    return said;
  }
}
