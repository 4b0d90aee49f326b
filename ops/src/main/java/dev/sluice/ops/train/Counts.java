package dev.sluice.ops.train;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Counts as people write them: {@code 4096}, {@code 30M}; k, M and G are powers of 1000. */
final class Counts implements ITypeConverter<Long> {
  private static final String UNITS = "kmg";
  private static final Pattern TEXT = Pattern.compile("([0-9]{1,15}(?:\\.[0-9]{1,9})?)([kmg]?)");

  @Override
  public Long convert(String text) {
    Matcher parts = TEXT.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!parts.matches()) {
      throw new TypeConversionException("'" + text + "' is no count; write 4096, 500k or 30M");
    }
    int power = parts.group(2).isEmpty() ? 0 : UNITS.indexOf(parts.group(2)) + 1;
    BigDecimal count = new BigDecimal(parts.group(1)).scaleByPowerOfTen(3 * power);
    if (count.compareTo(BigDecimal.valueOf(1L << 60)) > 0) {
      throw new TypeConversionException("'" + text + "' is too many");
    }
    return count.longValue();
  }
}
