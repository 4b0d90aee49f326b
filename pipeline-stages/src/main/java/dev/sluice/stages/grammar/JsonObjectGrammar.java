package dev.sluice.stages.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;

/** Objects of a JSON Schema: their properties in the order in which the schema has them. */
final class JsonObjectGrammar {
  /** Longest name, where others must be told from it. */
  private static final int MAX_NAME = 100;

  private static final String COMMA = "ws \",\" ws ";

  /** Gives the expression of a schema at a path. */
  interface Schemas {
    String expression(JsonNode schema, String path);
  }

  private record Property(String member, boolean required) {}

  private final Schemas schemas;
  private final UnaryOperator<String> rules;

  /**
   * Within a grammar.
   *
   * @param rules takes an expression and gives the name of a rule for it
   */
  JsonObjectGrammar(Schemas schemas, UnaryOperator<String> rules) {
    this.schemas = schemas;
    this.rules = rules;
  }

  String of(JsonNode schema, String path) {
    JsonNode named = schema.path("properties");
    Set<String> required = new HashSet<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    List<Property> properties = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Map.Entry<String, JsonNode> each : named.properties()) {
      String value = schemas.expression(each.getValue(), path + "/properties/" + each.getKey());
      String key = "\"\\\"\" " + JsonText.literal(each.getKey()) + " \"\\\"\"";
      properties.add(new Property(key + " ws \":\" ws " + value, required.remove(each.getKey())));
      names.add(each.getKey());
    }
    // What is required without being described may be anything.
    for (String name : required.stream().sorted().toList()) {
      String key = "\"\\\"\" " + JsonText.literal(name) + " \"\\\"\"";
      properties.add(new Property(key + " ws \":\" ws value", true));
      names.add(name);
    }
    String others = others(schema, names, path);
    return rules.apply("\"{\" ws " + members(properties, others) + " ws \"}\"");
  }

  /** Members that have no name in the schema; empty where none are allowed. */
  private String others(JsonNode schema, Set<String> names, String path) {
    JsonNode additional = schema.get("additionalProperties");
    boolean allowed =
        additional == null ? names.isEmpty() : !additional.isBoolean() || additional.booleanValue();
    if (!allowed) {
      return "";
    }
    String value =
        additional == null || additional.isBoolean()
            ? "value"
            : schemas.expression(additional, path + "/additionalProperties");
    if (names.stream().anyMatch(name -> name.length() > MAX_NAME)) {
      throw JsonSchemaGrammar.problem(
          path,
          "names of more than %d characters beside 'additionalProperties' are not supported"
              .formatted(MAX_NAME));
    }
    String key =
        names.isEmpty() ? "string" : rules.apply("\"\\\"\" " + noneOf(names) + " \"\\\"\"");
    return rules.apply(key + " ws \":\" ws " + value);
  }

  /**
   * What is between the braces. Two chains of rules, from the last property back: what may follow
   * where something is there already, and where nothing is, since only the first one has no comma.
   */
  private String members(List<Property> properties, String others) {
    BinaryOperator<String> join = (first, rest) -> rest.isEmpty() ? first : first + " " + rest;
    String behind = others.isEmpty() ? "" : "(" + COMMA + others + ")*";
    String alone = others.isEmpty() ? "" : "(" + others + " " + behind + ")?";
    for (Property property : properties.reversed()) {
      String first = join.apply(property.member, behind);
      alone =
          property.required
              ? first
              : "("
                  + rules.apply(first)
                  + (alone.isEmpty() ? ")?" : " | " + rules.apply(alone) + ")");
      String next = COMMA + property.member;
      behind = rules.apply(join.apply(property.required ? next : "(" + next + ")?", behind));
    }
    return alone;
  }

  /** Text between quotes that is none of some names, escaped characters left out. */
  private String noneOf(Set<String> names) {
    Trie root = new Trie();
    for (String name : names) {
      Trie node = root;
      for (int c : name.codePoints().toArray()) {
        node = node.next.computeIfAbsent(c, _ -> new Trie());
      }
      node.end = true;
    }
    return "(" + differing(root) + ")";
  }

  private static final class Trie {
    private final Map<Integer, Trie> next = new TreeMap<>();
    private boolean end;
  }

  private String differing(Trie node) {
    List<String> ways = new ArrayList<>();
    List<CodePoints.Range> known = new ArrayList<>();
    known.add(new CodePoints.Range(0, 0x1F));
    known.add(new CodePoints.Range('"', '"'));
    known.add(new CodePoints.Range('\\', '\\'));
    known.add(new CodePoints.Range(0x7F, 0x7F));
    node.next.forEach(
        (c, next) -> {
          known.add(new CodePoints.Range(c, c));
          ways.add(JsonText.literal(Character.toString(c)) + " (" + differing(next) + ")");
        });
    ways.add(GbnfText.characters(new CodePoints(known).complement()) + " char*");
    if (!node.end) {
      ways.add("\"\"");
    }
    return String.join(" | ", ways);
  }
}
