package dev.sluice.stages.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.stages.grammar.Grammar;
import dev.sluice.stages.grammar.JsonSchemaGrammar;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The tools of one request: what the template is told of them, a grammar that an answer keeps to,
 * so that every call is valid by its tool's schema, and the calls in an answer. Immutable.
 */
public final class Tools {
  /** Most tools of a request. */
  public static final int MAX_TOOLS = 128;

  private static final JsonMapper JSON = new JsonMapper();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /**
   * A call in an answer.
   *
   * @param arguments JSON, an object
   */
  public record Call(String name, String arguments) {}

  /**
   * An answer taken apart.
   *
   * @param content what is said besides
   */
  public record Answer(String content, List<Call> calls) {
    public Answer {
      calls = List.copyOf(calls);
    }
  }

  private final List<Tool> tools;
  private final ToolStyle style;

  /**
   * Tools for a model.
   *
   * @throws IllegalArgumentException for none, too many, or two of one name
   */
  public Tools(List<Tool> tools, ToolStyle style) {
    this.tools = List.copyOf(tools);
    this.style = style;
    if (tools.isEmpty() || tools.size() > MAX_TOOLS) {
      throw new IllegalArgumentException(
          "%d tools: must be from 1 to %d".formatted(tools.size(), MAX_TOOLS));
    }
    Set<String> names = new HashSet<>();
    for (Tool tool : tools) {
      if (!names.add(tool.name())) {
        throw new IllegalArgumentException("there are two tools '" + tool.name() + "'");
      }
    }
  }

  /** What a template that knows tools finds under {@code tools}. */
  public List<Object> variable() {
    List<Object> all = new ArrayList<>();
    tools.forEach(tool -> all.add(JSON.convertValue(described(tool), Map.class)));
    return all;
  }

  /** What a model whose template knows no tools is told, in a system message. */
  public String instructions() {
    StringBuilder text =
        new StringBuilder("You may call these functions, each described by a JSON object:\n");
    tools.forEach(tool -> text.append(described(tool)).append('\n'));
    return text.append("To call one, answer with ")
        .append(style.open())
        .append("{\"name\": <its name>, \"")
        .append(style.arguments())
        .append("\": <its arguments, a JSON object>}")
        .append(style.close())
        .append(" and nothing else.")
        .toString();
  }

  private static ObjectNode described(Tool tool) {
    ObjectNode function = NODES.objectNode();
    function.put("name", tool.name());
    function.put("description", tool.description());
    function.set("parameters", tool.parameters());
    ObjectNode described = NODES.objectNode();
    described.put("type", "function");
    described.set("function", function);
    return described;
  }

  /**
   * What an answer has to keep to.
   *
   * @param parallel whether it may have more than one call
   * @throws IllegalArgumentException for a choice of no tool, or a schema that is not supported
   */
  public Grammar grammar(ToolChoice choice, boolean parallel) {
    List<Tool> wanted =
        choice instanceof ToolChoice.Named(String name)
            ? tools.stream().filter(tool -> tool.name().equals(name)).toList()
            : tools;
    if (wanted.isEmpty()) {
      throw new IllegalArgumentException("the tool that is chosen is none of the tools");
    }
    ArrayNode calls = NODES.arrayNode();
    for (int i = 0; i < wanted.size(); i++) {
      calls.add(call(wanted.get(i), "#/anyOf/" + i + "/properties/" + style.arguments()));
    }
    ObjectNode schema = NODES.objectNode();
    schema.set("anyOf", calls);
    return JsonSchemaGrammar.within(
        ToolFrames.of(style, choice instanceof ToolChoice.Auto, parallel), schema);
  }

  private ObjectNode call(Tool tool, String place) {
    ObjectNode arguments = tool.parameters().deepCopy();
    if (!arguments.has("type") && !arguments.has("$ref") && !arguments.has("anyOf")) {
      arguments.put("type", "object");
    }
    move(arguments, place);
    ObjectNode properties = NODES.objectNode();
    properties.set("name", NODES.objectNode().put("const", tool.name()));
    properties.set(style.arguments(), arguments);
    ObjectNode call = NODES.objectNode();
    call.put("type", "object");
    call.set("properties", properties);
    call.set("required", NODES.arrayNode().add("name").add(style.arguments()));
    return call;
  }

  /** References of a schema that has become a part of another. */
  private static void move(JsonNode schema, String place) {
    JsonNode reference = schema.get("$ref");
    if (schema instanceof ObjectNode object
        && reference != null
        && reference.isTextual()
        && reference.textValue().startsWith("#")) {
      object.put("$ref", place + reference.textValue().substring(1));
    }
    schema.forEach(part -> move(part, place));
  }

  /**
   * Takes an answer apart. What is no whole call of one of the tools is content.
   *
   * @param text all that the model wrote
   */
  public Answer parse(String text) {
    ToolReader reader = reader();
    StringBuilder content = new StringBuilder();
    List<Call> calls = new ArrayList<>();
    Stream.concat(reader.add(text).stream(), reader.end().stream())
        .forEach(
            part -> {
              switch (part) {
                case ToolReader.Part.Content(String said) -> content.append(said);
                case ToolReader.Part.Called(Call call) -> calls.add(call);
              }
            });
    return new Answer(content.toString(), calls);
  }

  /** Takes an answer apart while it is written. */
  public ToolReader reader() {
    return new ToolReader(
        tools.stream().map(Tool::name).collect(Collectors.toUnmodifiableSet()), style);
  }
}
