package dev.sluice.stages.grammar;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Numbers between bounds, as GBNF of how JSON writes them.
 *
 * @param least the lowest; null for none
 * @param most the highest; null for none
 */
record NumberRange(@Nullable BigInteger least, @Nullable BigInteger most) {
  /** Digits of a whole number that has no bound on that side; 16 are exact in a double. */
  private static final int DIGITS = 16;

  private static final String FRACTION = "(\".\" [0-9]{1,16})?";
  private static final String ZEROS = "(\".\" \"0\"{1,16})?";

  boolean isEmpty() {
    return least != null && most != null && least.compareTo(most) > 0;
  }

  /** The whole numbers. */
  String integers() {
    List<String> ways = new ArrayList<>();
    BigInteger low = low();
    BigInteger high = high();
    if (low.signum() < 0) {
      BigInteger end = high.signum() < 0 ? high.negate() : BigInteger.ONE;
      ways.add("\"-\" (" + digits(end, low.negate()) + ")");
    }
    if (high.signum() >= 0) {
      ways.add(digits(low.max(BigInteger.ZERO), high));
    }
    return "(" + String.join(" | ", ways) + ")";
  }

  /** All numbers, written without an exponent. */
  String numbers() {
    List<String> ways = new ArrayList<>();
    BigInteger low = low();
    BigInteger high = high();
    if (low.signum() < 0) {
      BigInteger end = high.signum() < 0 ? high.negate() : BigInteger.ZERO;
      ways.add("\"-\" " + decimals(end, low.negate()));
    }
    if (high.signum() >= 0) {
      ways.add(decimals(low.max(BigInteger.ZERO), high));
    }
    return "(" + String.join(" | ", ways) + ")";
  }

  private BigInteger low() {
    BigInteger end = BigInteger.TEN.pow(DIGITS).negate();
    if (least != null) {
      return least;
    }
    return most == null ? end : end.min(most.subtract(BigInteger.TEN.pow(DIGITS)));
  }

  private BigInteger high() {
    BigInteger end = BigInteger.TEN.pow(DIGITS);
    if (most != null) {
      return most;
    }
    return least == null ? end : end.max(least.add(BigInteger.TEN.pow(DIGITS)));
  }

  /** From low to high, both at least 0: the highest has no fraction but zeros. */
  private static String decimals(BigInteger low, BigInteger high) {
    String highest = digits(high, high) + " " + ZEROS;
    if (low.equals(high)) {
      return "(" + highest + ")";
    }
    String lower = "(" + digits(low, high.subtract(BigInteger.ONE)) + ") " + FRACTION;
    return "(" + lower + " | " + highest + ")";
  }

  /** Whole numbers from low to high, both at least 0. */
  private static String digits(BigInteger low, BigInteger high) {
    List<String> ways = new ArrayList<>();
    String from = low.toString();
    String last = high.toString();
    for (int length = from.length(); length <= last.length(); length++) {
      String start = length == from.length() ? from : "1" + "0".repeat(length - 1);
      String end = length == last.length() ? last : "9".repeat(length);
      ways.add(sameLength(start, end));
    }
    return String.join(" | ", ways);
  }

  private static String sameLength(String from, String to) {
    if (from.isEmpty()) {
      return "\"\"";
    }
    int rest = from.length() - 1;
    char low = from.charAt(0);
    char high = to.charAt(0);
    String zeros = "0".repeat(rest);
    String nines = "9".repeat(rest);
    boolean lowWhole = from.substring(1).equals(zeros);
    boolean highWhole = to.substring(1).equals(nines);
    if (low == high) {
      return "[" + low + "] (" + sameLength(from.substring(1), to.substring(1)) + ")";
    }
    List<String> ways = new ArrayList<>();
    if (!lowWhole) {
      ways.add("[" + low + "] (" + sameLength(from.substring(1), nines) + ")");
    }
    char first = lowWhole ? low : (char) (low + 1);
    char last = highWhole ? high : (char) (high - 1);
    if (first <= last) {
      ways.add("[" + first + "-" + last + "]" + (rest == 0 ? "" : " [0-9]{" + rest + "}"));
    }
    if (!highWhole) {
      ways.add("[" + high + "] (" + sameLength(zeros, to.substring(1)) + ")");
    }
    return String.join(" | ", ways);
  }
}
