package dev.sluice.model.training.corpus;

import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Additions of two numbers of up to three digits: with the answer alone, or worked out from the
 * right, one digit a step, so that each step is a look-up that needs no carry in the head.
 *
 * <p>A tenth of all pairs is kept from training, for measuring: see {@link #heldOut}.
 */
public final class Additions {
  /** The most digits of a number. */
  public static final int MAX_DIGITS = 3;

  /** Of ten pairs of numbers drawn for training, how many have three digits each in any case. */
  private static final int LONG_OF_TEN = 6;

  private static final String[] PLACES = {"Ones", "Tens", "Hundreds"};
  private static final Pattern NUMBER = Pattern.compile("[0-9]+");

  private Additions() {}

  /**
   * Two numbers to add.
   *
   * @param a the first, 0 to 999
   * @param b the second, 0 to 999
   */
  public record Addition(int a, int b) {
    /** What they come to. */
    public int sum() {
      return a + b;
    }

    /** The two numbers, such as {@code 347 + 285}. */
    public String text() {
      return a + " + " + b;
    }

    /** The working, digit by digit, and {@code So 347 + 285 = 632.} */
    public String worked() {
      StringBuilder out = new StringBuilder();
      int carry = 0;
      int left = a;
      int right = b;
      int digits = String.valueOf(Math.max(a, b)).length();
      for (int place = 0; place < digits; place++) {
        int sum = left % 10 + right % 10 + carry;
        out.append(PLACES[place]).append(": ");
        out.append(left % 10).append(" + ").append(right % 10);
        if (place > 0) {
          out.append(" + ").append(carry);
        }
        out.append(" = ").append(sum).append(", write ").append(sum % 10);
        carry = sum / 10;
        out.append(", carry ").append(carry).append(". ");
        left /= 10;
        right /= 10;
      }
      return out.append("So ").append(text()).append(" = ").append(sum()).append(".").toString();
    }
  }

  /**
   * Draws two numbers, most often of three digits each, else of any length each.
   *
   * @param held whether to draw from the pairs held out, or from the others
   */
  public static Addition draw(SplittableRandom random, boolean held) {
    while (true) {
      boolean longest = random.nextInt(10) < LONG_OF_TEN;
      int a = number(random, longest ? MAX_DIGITS : 1 + random.nextInt(MAX_DIGITS));
      int b = number(random, longest ? MAX_DIGITS : 1 + random.nextInt(MAX_DIGITS));
      if (heldOut(a, b) == held) {
        return new Addition(a, b);
      }
    }
  }

  /** Draws two numbers of three digits each from the pairs held out. */
  public static Addition drawLongHeldOut(SplittableRandom random) {
    while (true) {
      int a = number(random, MAX_DIGITS);
      int b = number(random, MAX_DIGITS);
      if (heldOut(a, b)) {
        return new Addition(a, b);
      }
    }
  }

  private static int number(SplittableRandom random, int digits) {
    return switch (digits) {
      case 1 -> random.nextInt(10);
      case 2 -> random.nextInt(10, 100);
      default -> random.nextInt(100, 1000);
    };
  }

  /**
   * Whether a pair, in either order, is kept from training: one in ten, by a hash of the two
   * numbers. What is measured on these pairs has not been learnt by heart.
   */
  public static boolean heldOut(int a, int b) {
    long pair = Math.min(a, b) * 1000L + Math.max(a, b);
    return Long.remainderUnsigned(Seeds.mix(pair), 10) == 0;
  }

  /** The last number in a text; none where there is none that an addition could have. */
  public static OptionalInt answer(String text) {
    Matcher numbers = NUMBER.matcher(text);
    String last = "";
    while (numbers.find()) {
      last = numbers.group();
    }
    return last.isEmpty() || last.length() > MAX_DIGITS + 1
        ? OptionalInt.empty()
        : OptionalInt.of(Integer.parseInt(last));
  }

  /** Whether the last number in a text is the sum. */
  public static boolean right(Addition addition, String text) {
    OptionalInt answer = answer(text);
    return answer.isPresent() && answer.getAsInt() == addition.sum();
  }
}
