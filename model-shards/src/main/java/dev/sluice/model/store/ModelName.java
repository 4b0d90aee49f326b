package dev.sluice.model.store;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What people call a model in a store: {@code name} or {@code name:tag}, each of letters, digits,
 * dot, dash and underscore, beginning with a letter or digit, at most 80 characters. Never part of
 * a path as it is given.
 */
public record ModelName(String name, String tag) {
  /** The tag of a name without one. */
  public static final String DEFAULT_TAG = "latest";

  private static final String WORD = "[A-Za-z0-9][A-Za-z0-9._-]{0,79}";
  private static final Pattern FORM = Pattern.compile("(" + WORD + ")(?::(" + WORD + "))?");
  private static final Pattern FILE_FORM = Pattern.compile("(" + WORD + ")@(" + WORD + ")");

  /**
   * A name of that form.
   *
   * @throws StoreException if it is of another
   */
  public ModelName {
    if (!name.matches(WORD) || !tag.matches(WORD)) {
      throw bad(name + ":" + tag);
    }
  }

  /**
   * Reads {@code name} or {@code name:tag}.
   *
   * @throws StoreException if {@code text} is neither
   */
  public static ModelName of(String text) {
    return parse(text).orElseThrow(() -> bad(text));
  }

  /** As {@link #of}, or nothing. */
  public static Optional<ModelName> parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      return Optional.empty();
    }
    String tag = parts.group(2) == null ? DEFAULT_TAG : parts.group(2);
    return Optional.of(new ModelName(parts.group(1), tag));
  }

  private static StoreException bad(String text) {
    String shown = text.length() > 100 ? text.substring(0, 100) + "…" : text;
    return new StoreException(
        "'"
            + shown.replaceAll("\\p{Cntrl}", "?")
            + "' is no name of a model: write NAME or NAME:TAG in letters, digits, '.', '-' and"
            + " '_'");
  }

  /** The file that stands for it; '@' is in no name. */
  String fileName() {
    return name + "@" + tag;
  }

  static Optional<ModelName> ofFileName(String file) {
    Matcher parts = FILE_FORM.matcher(file);
    return parts.matches()
        ? Optional.of(new ModelName(parts.group(1), parts.group(2)))
        : Optional.empty();
  }

  @Override
  public String toString() {
    return tag.equals(DEFAULT_TAG) ? name : name + ":" + tag;
  }
}
