package dev.sluice.stages.flow;

import java.util.List;

/**
 * Looks for stop strings in a text that comes in pieces. The first to be completed counts, and of
 * several completed by the same character the longest: so what is found does not depend on where
 * the pieces are cut.
 *
 * <p>One Knuth-Morris-Pratt automaton for each string: constant time for a character, amortized,
 * whatever the text.
 */
final class StopMatcher {
  private final String[] stops;
  private final int[][] borders;
  private final int[] matched;

  StopMatcher(List<String> stops) {
    this.stops = stops.toArray(String[]::new);
    borders = new int[this.stops.length][];
    matched = new int[this.stops.length];
    for (int i = 0; i < this.stops.length; i++) {
      borders[i] = borders(this.stops[i]);
    }
  }

  /** For each prefix the length of the longest shorter prefix that it ends with. */
  private static int[] borders(String stop) {
    int[] borders = new int[stop.length() + 1];
    int length = 0;
    for (int i = 1; i < stop.length(); i++) {
      while (length > 0 && stop.charAt(i) != stop.charAt(length)) {
        length = borders[length];
      }
      if (stop.charAt(i) == stop.charAt(length)) {
        length++;
      }
      borders[i + 1] = length;
    }
    return borders;
  }

  /**
   * Takes the next character.
   *
   * @return the length of the stop string that it completes, or 0; nothing may follow a match
   */
  int accept(char next) {
    int found = 0;
    for (int i = 0; i < stops.length; i++) {
      String stop = stops[i];
      int length = matched[i];
      while (length > 0 && stop.charAt(length) != next) {
        length = borders[i][length];
      }
      if (stop.charAt(length) == next) {
        length++;
      }
      matched[i] = length;
      if (length == stop.length()) {
        found = Math.max(found, length);
      }
    }
    return found;
  }

  /** How many of the last characters may be the beginning of a stop string. */
  int undecided() {
    int longest = 0;
    for (int length : matched) {
      longest = Math.max(longest, length);
    }
    return longest;
  }
}
