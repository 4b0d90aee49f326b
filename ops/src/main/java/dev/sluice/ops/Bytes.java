package dev.sluice.ops;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers of bytes as people write and read them; k, m, g and t are powers of 1024. */
public final class Bytes {
  private static final String UNITS = "kmgt";
  private static final Pattern TEXT =
      Pattern.compile("([0-9]{1,15}(?:\\.[0-9]{1,6})?)\\s*([kmgt]?)(?:i?b)?");

  private Bytes() {}

  /**
   * Reads {@code 12g}, {@code 1.5 GiB}, {@code 4096}.
   *
   * @throws CommandException when it is none of this kind
   */
  public static long parse(String text) {
    Matcher parts = TEXT.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!parts.matches()) {
      throw new CommandException("'" + text + "' is no size in bytes; write 12g, 512m or 4096");
    }
    int power = parts.group(2).isEmpty() ? 0 : UNITS.indexOf(parts.group(2)) + 1;
    BigDecimal bytes =
        new BigDecimal(parts.group(1)).multiply(BigDecimal.valueOf(1L << (10 * power)));
    if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
      throw new CommandException("'" + text + "' is more than any machine has");
    }
    return bytes.longValue();
  }

  /** Three digits or so and a unit: {@code 1.23 GiB}. */
  public static String text(long bytes) {
    double value = bytes;
    int power = 0;
    while (value >= 1024 && power < UNITS.length()) {
      value /= 1024;
      power++;
    }
    return power == 0
        ? bytes + " B"
        : String.format(
            Locale.ROOT,
            "%.2f %siB",
            value,
            UNITS.substring(power - 1, power).toUpperCase(Locale.ROOT));
  }
}
