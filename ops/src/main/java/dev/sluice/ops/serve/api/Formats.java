package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.stages.grammar.Grammar;
import dev.sluice.stages.grammar.GrammarException;
import dev.sluice.stages.grammar.JsonSchemaGrammar;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** The form that an answer is to have, as a grammar. */
final class Formats {
  private static final Set<String> TYPES = Set.of("text", "json_object", "json_schema");

  private Formats() {}

  /** {@code response_format}, or the extension {@code grammar}; empty where any text will do. */
  static Optional<Grammar> of(JsonFields fields) {
    Optional<Grammar> format = fields.object("response_format").flatMap(Formats::chat);
    Optional<Grammar> own =
        fields
            .text("grammar")
            .map(gbnf -> grammar(fields.at("grammar"), () -> Grammar.parse(gbnf)));
    if (format.isPresent() && own.isPresent()) {
      throw ApiException.invalid(
          fields.at("grammar"), "grammar and response_format both say what to answer: give one");
    }
    return format.or(() -> own);
  }

  private static Optional<Grammar> chat(JsonFields format) {
    String type = format.word("type", TYPES).orElseThrow(() -> format.missing("type"));
    Optional<Grammar> grammar =
        switch (type) {
          case "json_object" -> Optional.of(JsonSchemaGrammar.object());
          case "json_schema" ->
              Optional.of(
                  schema(
                      format
                          .object("json_schema")
                          .orElseThrow(() -> format.missing("json_schema"))));
          default -> Optional.empty();
        };
    format.end();
    return grammar;
  }

  private static Grammar schema(JsonFields named) {
    Grammar grammar = unnamed(named);
    named.end();
    return grammar;
  }

  /** A schema and its name; every schema is kept to strictly. */
  private static Grammar unnamed(JsonFields named) {
    named.requiredText("name");
    named.text("description");
    named.flag("strict");
    JsonNode schema = named.node("schema").orElseThrow(() -> named.missing("schema"));
    return grammar(named.at("schema"), () -> JsonSchemaGrammar.of(schema));
  }

  /** {@code text.format} of the newer interface: the same, one level less. */
  static Optional<Grammar> ofResponse(JsonFields format) {
    String type = format.word("type", TYPES).orElseThrow(() -> format.missing("type"));
    Optional<Grammar> grammar =
        switch (type) {
          case "json_object" -> Optional.of(JsonSchemaGrammar.object());
          case "json_schema" -> Optional.of(unnamed(format));
          default -> Optional.empty();
        };
    format.end();
    return grammar;
  }

  /** What is wrong with a grammar or a schema is the client's to mend. */
  static Grammar grammar(String param, Supplier<Grammar> compiled) {
    try {
      return compiled.get();
    } catch (GrammarException e) {
      throw ApiException.invalid(param, param + ": " + e.getMessage());
    }
  }
}
