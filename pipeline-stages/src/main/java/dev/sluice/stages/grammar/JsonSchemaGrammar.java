package dev.sluice.stages.grammar;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * JSON Schema (draft 2020-12) as a {@link Grammar}. What the grammar matches is valid by the
 * schema; it may leave out some of what is valid as well. Supported:
 *
 * <ul>
 *   <li>{@code type}, also a list of types; {@code enum}, {@code const}; {@code anyOf}, {@code
 *       oneOf} (as {@code anyOf}: more than one may match), {@code allOf} of one; {@code $ref} to a
 *       place of the same document, also recursive; {@code true} and {@code {}};
 *   <li>objects: {@code properties} in the order of the schema, {@code required}, {@code
 *       additionalProperties} (false where nothing is said, but true where no property is named
 *       either);
 *   <li>arrays: {@code items}, {@code prefixItems}, {@code minItems}, {@code maxItems};
 *   <li>strings: {@code minLength}, {@code maxLength}; or {@code pattern} (see {@link
 *       PatternGrammar}); or {@code format} date, time, date-time, duration, uuid, email, hostname,
 *       ipv4, ipv6, uri. Others say nothing;
 *   <li>numbers and integers: {@code minimum}, {@code maximum}, {@code exclusiveMinimum}, {@code
 *       exclusiveMaximum}, those of numbers whole.
 * </ul>
 *
 * <p>What else says something about validity is refused by name; what does not is passed over.
 */
public final class JsonSchemaGrammar {
  private static final Set<String> REFUSED =
      Set.of(
          "not",
          "if",
          "then",
          "else",
          "dependentSchemas",
          "dependentRequired",
          "dependencies",
          "patternProperties",
          "propertyNames",
          "unevaluatedProperties",
          "unevaluatedItems",
          "additionalItems",
          "minProperties",
          "maxProperties",
          "contains",
          "minContains",
          "maxContains",
          "uniqueItems",
          "multipleOf",
          "$dynamicRef",
          "$recursiveRef");

  private static final int MAX_DEPTH = 100;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  static {
    MAPPER
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder().maxNestingDepth(2 * MAX_DEPTH).build());
  }

  private final JsonNode document;
  private final Map<String, String> rules = new LinkedHashMap<>();
  private final Map<String, String> references = new HashMap<>();
  private long length;
  private int depth;

  private JsonSchemaGrammar(JsonNode document) {
    this.document = document;
  }

  /** Any JSON object. */
  public static Grammar object() {
    return new Grammar("root ::= ws object\n" + JsonText.RULES);
  }

  /**
   * A grammar of the JSON texts that are valid by a schema.
   *
   * @throws GrammarException saying what of the schema cannot be used, and where it stands
   */
  public static Grammar of(String schema) {
    if (schema.length() > Grammar.MAX_LENGTH) {
      throw new GrammarException(
          "a schema of %d characters: at most %d".formatted(schema.length(), Grammar.MAX_LENGTH));
    }
    JsonNode document;
    try {
      document = MAPPER.readTree(schema);
    } catch (JsonProcessingException e) {
      throw new GrammarException("the schema is no JSON: " + e.getOriginalMessage(), e);
    }
    return of(document);
  }

  /** As {@link #of(String)}. */
  public static Grammar of(JsonNode schema) {
    return within("root ::= ws json", schema);
  }

  /**
   * A grammar of which the JSON texts that are valid by a schema are a part.
   *
   * @param frame rules in GBNF, root among them, that name the rule {@code json} where such a text
   *     stands, and {@code ws} where white space may
   * @throws GrammarException saying what of the schema cannot be used, and where it stands
   */
  public static Grammar within(String frame, JsonNode schema) {
    return new JsonSchemaGrammar(schema).grammar(frame);
  }

  private Grammar grammar(String frame) {
    StringBuilder text = new StringBuilder(frame);
    text.append("\njson ::= ").append(schema(document, "#")).append('\n');
    rules.forEach((name, body) -> text.append(name).append(" ::= ").append(body).append('\n'));
    return Grammar.parse(text.append(JsonText.RULES).toString());
  }

  /** A rule of its own for an expression. */
  private String rule(String body) {
    String name = "s" + rules.size();
    define(name, body);
    return name;
  }

  private void define(String name, String body) {
    rules.put(name, body);
    length += body.length();
    if (length > Grammar.MAX_LENGTH) {
      throw new GrammarException(
          "the schema is too large: its grammar has more than "
              + Grammar.MAX_LENGTH
              + " characters");
    }
  }

  /** An expression for a schema; {@code path} is its place, for messages. */
  private String schema(JsonNode schema, String path) {
    if (schema.isBoolean() && schema.booleanValue()) {
      return "value";
    }
    if (!schema.isObject()) {
      throw problem(path, "a schema is an object or true");
    }
    if (++depth > MAX_DEPTH) {
      throw problem(path, "more than " + MAX_DEPTH + " schemas within each other");
    }
    schema
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (REFUSED.contains(name) && !harmless(name, schema.get(name))) {
                throw problem(path, "'" + name + "' is not supported");
              }
            });
    String expression = expression(schema, path);
    depth--;
    return expression;
  }

  private static boolean harmless(String keyword, JsonNode value) {
    return switch (keyword) {
      case "uniqueItems" -> value.isBoolean() && !value.booleanValue();
      case "minProperties", "minContains" -> value.isInt() && value.intValue() == 0;
      default -> false;
    };
  }

  private String expression(JsonNode schema, String path) {
    if (schema.has("$ref")) {
      return reference(schema.get("$ref"), path);
    }
    if (schema.has("const")) {
      return GbnfText.literal(json(schema.get("const")));
    }
    if (schema.has("enum")) {
      return enumeration(schema.get("enum"), path);
    }
    for (String keyword : List.of("anyOf", "oneOf", "allOf")) {
      if (schema.has(keyword)) {
        return combined(schema, keyword, path);
      }
    }
    List<String> types = types(schema, path);
    List<String> ways = new ArrayList<>();
    for (String type : types) {
      ways.add(typed(schema, type, path));
    }
    return ways.size() == 1 ? ways.getFirst() : rule(String.join(" | ", ways));
  }

  private String reference(JsonNode reference, String path) {
    String pointer = reference.asText();
    if (!reference.isTextual() || !(pointer.equals("#") || pointer.startsWith("#/"))) {
      throw problem(path, "'$ref' must name a place of this schema, as #/$defs/name");
    }
    String known = references.get(pointer);
    if (known != null) {
      return known;
    }
    JsonNode target = document.at(pointer.substring(1).replace("%25", "%"));
    if (target.isMissingNode()) {
      throw problem(path, "there is no " + pointer);
    }
    String name = "ref" + references.size();
    references.put(pointer, name);
    int before = depth;
    depth = 0; // how deep references lead is limited by their number
    define(name, schemaOfReference(target, pointer));
    depth = before;
    return name;
  }

  private String schemaOfReference(JsonNode target, String pointer) {
    if (references.size() > MAX_DEPTH * 2) {
      throw problem(pointer, "more than " + 2 * MAX_DEPTH + " places are referred to");
    }
    return schema(target, pointer);
  }

  private String enumeration(JsonNode values, String path) {
    if (!values.isArray() || values.isEmpty()) {
      throw problem(path, "'enum' is a list of values, not empty");
    }
    Set<String> ways = new LinkedHashSet<>();
    values.forEach(value -> ways.add(GbnfText.literal(json(value))));
    return rule(String.join(" | ", ways));
  }

  private String combined(JsonNode schema, String keyword, String path) {
    JsonNode parts = schema.get(keyword);
    if (!parts.isArray() || parts.isEmpty()) {
      throw problem(path, "'" + keyword + "' is a list of schemas, not empty");
    }
    for (String beside : List.of("properties", "items", "pattern", "minimum", "maximum")) {
      if (schema.has(beside)) {
        throw problem(path, "'" + beside + "' beside '" + keyword + "' is not supported");
      }
    }
    if (keyword.equals("allOf") && parts.size() > 1) {
      throw problem(path, "'allOf' of more than one schema is not supported");
    }
    List<String> ways = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      ways.add(schema(parts.get(i), path + "/" + keyword + "/" + i));
    }
    return ways.size() == 1 ? ways.getFirst() : rule(String.join(" | ", ways));
  }

  private static List<String> types(JsonNode schema, String path) {
    JsonNode type = schema.get("type");
    if (type == null) {
      return List.of(impliedType(schema));
    }
    List<String> types = new ArrayList<>();
    if (type.isArray()) {
      type.forEach(each -> types.add(each.asText()));
    } else {
      types.add(type.asText());
    }
    if (types.isEmpty()) {
      throw problem(path, "'type' names no type");
    }
    return types;
  }

  private static String impliedType(JsonNode schema) {
    return hasAny(schema, "properties", "required", "additionalProperties")
        ? "object"
        : hasAny(schema, "items", "prefixItems", "minItems", "maxItems")
            ? "array"
            : hasAny(schema, "pattern", "minLength", "maxLength", "format")
                ? "string"
                : hasAny(schema, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
                    ? "number"
                    : "any";
  }

  private static boolean hasAny(JsonNode schema, String... keywords) {
    for (String keyword : keywords) {
      if (schema.has(keyword)) {
        return true;
      }
    }
    return false;
  }

  private String typed(JsonNode schema, String type, String path) {
    return switch (type) {
      case "object" -> new JsonObjectGrammar(this::schema, this::rule).of(schema, path);
      case "array" -> array(schema, path);
      case "string" -> JsonScalarGrammar.string(schema, path);
      case "integer" -> JsonScalarGrammar.number(schema, path, true);
      case "number" -> JsonScalarGrammar.number(schema, path, false);
      case "boolean" -> "boolean";
      case "null" -> "\"null\"";
      case "any" -> "value";
      default -> throw problem(path, "there is no type '" + type + "'");
    };
  }

  private String array(JsonNode schema, String path) {
    JsonNode prefix = schema.path("prefixItems");
    JsonNode items = schema.get("items");
    boolean closed = items != null && items.isBoolean() && !items.booleanValue();
    String item = closed ? "" : rule(items == null ? "value" : schema(items, path + "/items"));
    int least = JsonScalarGrammar.count(schema, "minItems", 0, path);
    int most = JsonScalarGrammar.count(schema, "maxItems", -1, path);
    most = closed ? (most < 0 ? prefix.size() : Math.min(most, prefix.size())) : most;
    if (most >= 0 && least > most) {
      throw problem(path, "an array of at least %d and at most %d".formatted(least, most));
    }
    // From the last named item back: what may follow the items before it.
    String rest = "";
    if (!closed && (most < 0 || most > prefix.size())) {
      int more = Math.max(0, least - prefix.size());
      rest = GbnfText.repeat("ws \",\" ws " + item, more, most < 0 ? -1 : most - prefix.size());
    }
    int named = most < 0 ? prefix.size() : Math.min(most, prefix.size());
    for (int i = named - 1; i >= 0; i--) {
      String each = schema(prefix.get(i), path + "/prefixItems/" + i);
      String tail = (i == 0 ? "" : "ws \",\" ws ") + each + " " + rest;
      rest = i >= least ? "(" + tail + ")?" : tail;
    }
    if (named == 0 && !rest.isEmpty()) {
      String first =
          item
              + " "
              + GbnfText.repeat(
                  "ws \",\" ws " + item, Math.max(0, least - 1), most - (most < 0 ? 0 : 1));
      rest = least == 0 ? "(" + first + ")?" : first;
    }
    return rule("\"[\" ws " + rest + " ws \"]\"");
  }

  /** As JSON, in its shortest form. */
  private static String json(JsonNode value) {
    if (value.isTextual()) {
      StringBuilder text = new StringBuilder("\"");
      value.textValue().codePoints().forEach(c -> text.append(JsonText.escape(c)));
      return text.append('"').toString();
    }
    return value.toString();
  }

  static GrammarException problem(String path, String what) {
    return new GrammarException("schema, at " + path + ": " + what);
  }
}
