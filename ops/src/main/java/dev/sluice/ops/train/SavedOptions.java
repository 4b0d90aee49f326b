package dev.sluice.ops.train;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * The options of a run, defaults included, kept in its folder as JSON: {@code {"verb": …,
 * "options": {"--lr": ["0.001"], …}}}. A run that goes on has the options that it began with; only
 * those that change none of its numbers may be given anew.
 */
final class SavedOptions {
  private static final int MAX_BYTES = 1 << 20;
  private static final Set<String> OF_THE_START = Set.of("--out", "--resume", "--json");
  private static final Set<String> OF_ALL_VERBS = Set.of("--help", "--version", "--debug");
  private static final Set<String> FREE = Set.of("--threads", "--checkpoint-every", "--keep");
  private static final JsonFactory JSON = new JsonFactory();

  private SavedOptions() {}

  /** Writes the options of a command that has been parsed, whole or not at all. */
  static void write(Path file, CommandSpec command) {
    Map<String, List<String>> values = values(command);
    values.keySet().removeAll(OF_THE_START);
    String text =
        Json.object(
            json -> {
              json.writeStringField("verb", command.name());
              json.writeObjectFieldStart("options");
              for (Map.Entry<String, List<String>> option : values.entrySet()) {
                json.writeArrayFieldStart(option.getKey());
                for (String value : option.getValue()) {
                  json.writeString(value);
                }
                json.writeEndArray();
              }
              json.writeEndObject();
            });
    Path aside = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      Files.writeString(aside, text + "\n");
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new CommandException(file + ": cannot be written: " + e.getMessage(), e);
    }
  }

  /**
   * Parses the options of an earlier run into a command of the same kind.
   *
   * @param given the command that was parsed now; what it was given must be as it was then
   * @throws CommandException naming an option that differs, or what is wrong with the file
   */
  static void apply(Path file, CommandSpec given, Object command) {
    Map<String, List<String>> saved = read(file, given.name());
    Map<String, List<String>> now = values(given);
    List<String> arguments = new ArrayList<>();
    for (OptionSpec option : given.options()) {
      String name = option.longestName();
      if (OF_ALL_VERBS.contains(name)) {
        continue;
      }
      boolean isGiven = given.commandLine().getParseResult().hasMatchedOption(option);
      List<String> values = saved.get(name);
      if (FREE.contains(name) ? isGiven : OF_THE_START.contains(name)) {
        values = now.get(name);
      } else if (isGiven && !Objects.equals(now.get(name), values)) {
        throw new CommandException(
            "%s was %s when this run began, and cannot be %s now; leave it out, or begin another run"
                .formatted(name, text(values), text(now.get(name))));
      }
      for (String value : values == null ? List.<String>of() : values) {
        arguments.add(isFlag(option) ? name : name + "=" + value);
      }
    }
    try {
      CommandLine line = new CommandLine(command);
      line.setCaseInsensitiveEnumValuesAllowed(true);
      line.parseArgs(arguments.toArray(String[]::new));
    } catch (ParameterException e) {
      throw new CommandException(file + ": " + e.getMessage(), e);
    }
  }

  private static Map<String, List<String>> values(CommandSpec command) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    for (OptionSpec option : command.options()) {
      Object value = option.getValue();
      if (value != null && !OF_ALL_VERBS.contains(option.longestName())) {
        Collection<?> all = value instanceof Collection<?> several ? several : List.of(value);
        List<String> texts = all.stream().map(SavedOptions::text).toList();
        if (!isFlag(option) || texts.equals(List.of("true"))) {
          values.put(option.longestName(), texts);
        }
      }
    }
    return values;
  }

  private static boolean isFlag(OptionSpec option) {
    return option.arity().max() == 0;
  }

  private static String text(Object value) {
    return switch (value) {
      case Path path -> path.toAbsolutePath().normalize().toString();
      case Enum<?> constant -> constant.name().toLowerCase(Locale.ROOT);
      default -> value.toString();
    };
  }

  private static String text(@Nullable List<String> values) {
    return values == null || values.isEmpty() ? "not given" : String.join(" ", values);
  }

  private static Map<String, List<String>> read(Path file, String verb) {
    if (!Files.isRegularFile(file)) {
      throw new CommandException(
          file + ": no such file, so there is no run to go on with; leave out --resume to begin");
    }
    Map<String, List<String>> options = new LinkedHashMap<>();
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new CommandException(file + ": too long for the options of a run");
      }
      try (JsonParser json = JSON.createParser(file.toFile())) {
        expect(json.nextToken(), JsonToken.START_OBJECT, file);
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          boolean isVerb = json.currentName().equals("verb");
          json.nextToken();
          if (!isVerb) {
            readOptions(json, options, file);
          } else if (!json.getText().equals(verb)) {
            throw new CommandException(
                file + ": this run was begun by 'train " + json.getText() + "'; go on with that");
          }
        }
      }
    } catch (IOException e) {
      throw new CommandException(file + ": cannot be read: " + e.getMessage(), e);
    }
    return options;
  }

  private static void readOptions(JsonParser json, Map<String, List<String>> options, Path file)
      throws IOException {
    expect(json.currentToken(), JsonToken.START_OBJECT, file);
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      List<String> values = new ArrayList<>();
      options.put(json.currentName(), values);
      expect(json.nextToken(), JsonToken.START_ARRAY, file);
      while (json.nextToken() == JsonToken.VALUE_STRING) {
        values.add(json.getText());
      }
    }
  }

  private static void expect(@Nullable JsonToken token, JsonToken expected, Path file) {
    if (token != expected) {
      throw new CommandException(file + ": not the options of a run");
    }
  }
}
