package dev.sluice.model.store;

import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * The name of a model's bytes: the SHA-256 of its {@link Manifest}. Equal bytes, in the same parts,
 * have equal names on every machine, whatever the files are called.
 *
 * @param hex 64 digits, lower case
 */
public record ContentId(String hex) implements Comparable<ContentId> {
  private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}");
  private static final int BRIEF_DIGITS = 12;

  /**
   * The id of that form.
   *
   * @throws IllegalArgumentException if {@code hex} is not 64 digits in lower case
   */
  public ContentId {
    if (!FORM.matcher(hex).matches()) {
      throw new IllegalArgumentException("no content id: 64 hexadecimal digits are expected");
    }
  }

  static ContentId of(byte[] sha256) {
    return new ContentId(HexFormat.of().formatHex(sha256));
  }

  /** The first digits, enough for people. */
  public String brief() {
    return hex.substring(0, BRIEF_DIGITS);
  }

  @Override
  public int compareTo(ContentId other) {
    return hex.compareTo(other.hex);
  }

  @Override
  public String toString() {
    return hex;
  }
}
