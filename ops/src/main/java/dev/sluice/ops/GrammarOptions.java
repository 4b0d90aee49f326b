package dev.sluice.ops;

import dev.sluice.stages.grammar.Grammar;
import dev.sluice.stages.grammar.GrammarException;
import dev.sluice.stages.grammar.JsonSchemaGrammar;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** What the answer must keep to. */
final class GrammarOptions {
  /** At most one of them. */
  static final class Source {
    @Option(
        names = "--grammar",
        required = true,
        paramLabel = "GBNF",
        description = "Answer only what this grammar matches, in llama.cpp's GBNF.")
    private @Nullable String grammar;

    @Option(
        names = "--grammar-file",
        required = true,
        paramLabel = "FILE",
        description = "As --grammar, from a file.")
    private @Nullable Path grammarFile;

    @Option(
        names = {"-j", "--json-schema"},
        required = true,
        paramLabel = "SCHEMA",
        description = "Answer only JSON that is valid by this schema; {} for any JSON.")
    private @Nullable String schema;

    @Option(
        names = {"-jf", "--json-schema-file"},
        required = true,
        paramLabel = "FILE",
        description = "As --json-schema, from a file.")
    private @Nullable Path schemaFile;
  }

  @ArgGroup(exclusive = true)
  private @Nullable Source source;

  /**
   * The grammar asked for; null for none.
   *
   * @throws CommandException naming option or file, and the place in it that is wrong
   */
  @Nullable Grammar grammar() {
    Source given = source;
    if (given == null) {
      return null;
    }
    if (given.grammar != null) {
      return read("--grammar", given.grammar, false);
    }
    if (given.grammarFile != null) {
      return read("" + given.grammarFile, Streams.readFile(given.grammarFile), false);
    }
    if (given.schemaFile != null) {
      return read("" + given.schemaFile, Streams.readFile(given.schemaFile), true);
    }
    return given.schema == null ? null : read("--json-schema", given.schema, true);
  }

  private static Grammar read(String name, String text, boolean schema) {
    try {
      return schema ? JsonSchemaGrammar.of(text) : Grammar.parse(text);
    } catch (GrammarException e) {
      throw new CommandException(name + ": " + e.getMessage(), e);
    }
  }
}
