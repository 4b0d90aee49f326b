package dev.sluice.stages.chat;

import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.util.Locale;

/** Dates and times for chat templates. */
final class TemplateFunctions {
  private TemplateFunctions() {}

  /** {@code strftime_now}: the date and time of now, in the format of C's strftime. */
  static String now(String format) {
    return format(ZonedDateTime.now(ZoneId.systemDefault()), format);
  }

  /** A time in strftime's format, in English; a letter that is not known stands for itself. */
  static String format(ZonedDateTime time, String format) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        text.append(c);
        continue;
      }
      boolean plain = format.charAt(i + 1) == '-' && i + 2 < format.length();
      i += plain ? 2 : 1;
      String field = field(time, format.charAt(i));
      text.append(plain ? field.replaceFirst("^0(?=.)", "") : field);
    }
    return text.toString();
  }

  private static String field(ZonedDateTime time, char letter) {
    return switch (letter) {
      case 'Y' -> Integer.toString(time.getYear());
      case 'y' -> two(time.getYear() % 100);
      case 'm' -> two(time.getMonthValue());
      case 'd' -> two(time.getDayOfMonth());
      case 'H' -> two(time.getHour());
      case 'I' -> two((time.getHour() + 11) % 12 + 1);
      case 'M' -> two(time.getMinute());
      case 'S' -> two(time.getSecond());
      case 'p' -> time.getHour() < 12 ? "AM" : "PM";
      case 'j' -> String.format(Locale.ROOT, "%03d", time.getDayOfYear());
      case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'F' -> format(time, "%Y-%m-%d");
      case 'T' -> format(time, "%H:%M:%S");
      case 'z' -> time.getOffset().getId().replace(":", "").replace("Z", "+0000");
      case 'Z' -> time.getZone().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case '%' -> "%";
      default -> "%" + letter;
    };
  }

  private static String two(int value) {
    return String.format(Locale.ROOT, "%02d", value);
  }
}
