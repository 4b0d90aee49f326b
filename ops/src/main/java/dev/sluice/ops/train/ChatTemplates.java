package dev.sluice.ops.train;

import dev.sluice.ops.CommandException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Templates for conversations that {@code --chat-template} can name. */
final class ChatTemplates {
  /** The form that many instruction models took over from OpenAI's. */
  static final String CHATML =
      """
      {% for message in messages %}<|im_start|>{{ message.role }}
      {{ message.content }}<|im_end|>
      {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
      {% endif %}\
      """;

  /** The form of the model that ships: who speaks is one token, and so is the end of each turn. */
  static final String SLUICE =
      "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
          + "{% if add_generation_prompt %}<|assistant|>{% endif %}";

  private static final Pattern CONTROL_TOKEN = Pattern.compile("<\\|[a-z_]+\\|>");

  private static final int MAX_BYTES = 1 << 20;

  private ChatTemplates() {}

  /**
   * A template by its name, or out of a file.
   *
   * @throws CommandException where there is none of this name
   */
  static String read(String name) {
    return switch (name) {
      case "chatml" -> CHATML;
      case "sluice" -> SLUICE;
      default -> readFile(Path.of(name));
    };
  }

  /**
   * Checks that the tokens which a template of ours writes are in a vocabulary.
   *
   * @param special the vocabulary's control tokens
   * @throws CommandException naming the first that is not
   */
  static void check(String name, List<String> special) {
    if (name.equals("chatml") || name.equals("sluice")) {
      Stream<String> written = CONTROL_TOKEN.matcher(read(name)).results().map(MatchResult::group);
      Stream<String> roles =
          name.equals("sluice") ? Stream.of("<|system|>", "<|user|>") : Stream.empty();
      Stream.concat(written, roles)
          .filter(token -> !special.contains(token))
          .findFirst()
          .ifPresent(
              token -> {
                throw new CommandException(
                    "--chat-template %s writes %s; add --special '%s'"
                        .formatted(name, token, token));
              });
    }
  }

  private static String readFile(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new CommandException(
          file + ": no such file (--chat-template takes a file, chatml or sluice)");
    }
    StringBuilder text = new StringBuilder();
    try (TextLines lines = TextLines.open(file)) {
      while (lines.advance()) {
        text.append(lines.text());
        if (lines.position() > MAX_BYTES) {
          throw new CommandException(file + ": longer than 1 MiB (--chat-template)");
        }
      }
    }
    return text.toString();
  }
}
