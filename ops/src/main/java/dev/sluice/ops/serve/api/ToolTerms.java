package dev.sluice.ops.serve.api;

import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.stages.chat.Tool;
import dev.sluice.stages.chat.ToolChoice;
import dev.sluice.stages.chat.ToolStyle;
import dev.sluice.stages.chat.Tools;
import dev.sluice.stages.grammar.Grammar;
import dev.sluice.stages.grammar.GrammarException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The tools that a request allows.
 *
 * @param tools what they are
 * @param choice whether one must be called
 * @param parallel whether there may be several calls
 */
record ToolTerms(Tools tools, ToolChoice choice, boolean parallel) {
  /** Reads them; empty where there are none, or none is to be called. */
  static Optional<ToolTerms> of(JsonFields fields, ToolStyle style) {
    Optional<List<JsonFields>> given = fields.objects("tools", Tools.MAX_TOOLS);
    Optional<ToolChoice> choice = Optional.of(new ToolChoice.Auto());
    if (fields.isText("tool_choice")) {
      choice =
          switch (fields.word("tool_choice", Set.of("none", "auto", "required")).orElseThrow()) {
            case "none" -> Optional.empty();
            case "required" -> Optional.of(new ToolChoice.Required());
            default -> choice;
          };
    } else if (fields.has("tool_choice")) {
      choice = fields.object("tool_choice").map(ToolTerms::named);
    }
    boolean parallel = fields.flag("parallel_tool_calls").orElse(true);
    if (given.isEmpty() || given.get().isEmpty()) {
      if (fields.has("tool_choice") && choice.filter(c -> !isAuto(c)).isPresent()) {
        throw ApiException.invalid(
            fields.at("tool_choice"), "tool_choice: there are no tools to choose from");
      }
      return Optional.empty();
    }
    Tools tools = tools(fields, given.get(), style);
    return choice.map(c -> new ToolTerms(tools, c, parallel));
  }

  private static boolean isAuto(ToolChoice choice) {
    return choice instanceof ToolChoice.Auto;
  }

  private static Tools tools(JsonFields fields, List<JsonFields> given, ToolStyle style) {
    List<Tool> tools = new ArrayList<>();
    for (JsonFields tool : given) {
      tools.add(tool(tool));
    }
    try {
      return new Tools(tools, style);
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid(fields.at("tools"), "tools: " + e.getMessage());
    }
  }

  private static Tool tool(JsonFields tool) {
    function(tool);
    JsonFields function = tool.object("function").orElseThrow(() -> tool.missing("function"));
    tool.end();
    String name = function.requiredText("name");
    String description = function.text("description").orElse("");
    var parameters = function.node("parameters");
    function.flag("strict");
    function.end();
    try {
      return parameters.isPresent()
          ? new Tool(name, description, parameters.get())
          : Tool.withoutParameters(name, description);
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid(function.at("name"), function.at("name") + ": " + e.getMessage());
    }
  }

  private static ToolChoice named(JsonFields choice) {
    function(choice);
    JsonFields function = choice.object("function").orElseThrow(() -> choice.missing("function"));
    choice.end();
    String name = function.requiredText("name");
    function.end();
    return new ToolChoice.Named(name);
  }

  private static void function(JsonFields fields) {
    fields.requiredText("type");
    fields.only("type", "only functions are supported", "function");
  }

  /** What an answer has to keep to. */
  Grammar grammar() {
    try {
      return tools.grammar(choice, parallel);
    } catch (GrammarException e) {
      throw ApiException.invalid("tools", "tools: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid("tool_choice", "tool_choice: " + e.getMessage());
    }
  }
}
