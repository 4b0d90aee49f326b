package dev.sluice.stages.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

/**
 * A function that a model may ask for.
 *
 * @param name of the function: letters, digits, underscore and hyphen, at most 64
 * @param description for the model; may be empty
 * @param parameters a JSON Schema of the arguments: an object
 */
public record Tool(String name, String description, JsonNode parameters) {
  public Tool {
    if (!name.matches("[a-zA-Z0-9_-]{1,64}")) {
      throw new IllegalArgumentException(
          "a tool's name has from 1 to 64 letters, digits, '_' and '-'; '%s' has not"
              .formatted(name.substring(0, Math.min(name.length(), 80))));
    }
    if (!parameters.isObject()) {
      throw new IllegalArgumentException(
          "the parameters of the tool '" + name + "' are no JSON Schema of an object");
    }
  }

  /** A function that takes nothing. */
  public static Tool withoutParameters(String name, String description) {
    return new Tool(
        name,
        description,
        JsonNodeFactory.instance
            .objectNode()
            .put("type", "object")
            .put("additionalProperties", false));
  }
}
