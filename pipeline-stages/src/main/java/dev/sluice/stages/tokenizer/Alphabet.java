package dev.sluice.stages.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The characters of counted pieces, the most frequent first, of equals the smaller code point. */
final class Alphabet {

  /** A character and how often it is there. */
  record Letter(int point, long count) {}

  private final List<Letter> letters;

  private Alphabet(List<Letter> letters) {
    this.letters = letters;
  }

  static Alphabet of(PieceCounts pieces) {
    Map<Integer, Long> counts = new HashMap<>();
    for (int piece = 0; piece < pieces.size(); piece++) {
      long count = pieces.count(piece);
      points(pieces.bytes(), pieces.start(piece), pieces.end(piece))
          .forEach(point -> counts.merge(point, count, Long::sum));
    }
    return new Alphabet(
        counts.entrySet().stream()
            .map(entry -> new Letter(entry.getKey(), entry.getValue()))
            .sorted(
                Comparator.comparingLong(Letter::count).reversed().thenComparingInt(Letter::point))
            .toList());
  }

  /** The characters that are there at least so often. */
  List<Integer> atLeast(long count) {
    return letters.stream().filter(letter -> letter.count >= count).map(Letter::point).toList();
  }

  /** So many of the most frequent characters that they are this part of all text. */
  List<Integer> covering(double part) {
    long total = letters.stream().mapToLong(Letter::count).sum();
    long covered = 0;
    int taken = 0;
    while (taken < letters.size() && covered < part * total) {
      covered += letters.get(taken++).count;
    }
    return letters.subList(0, taken).stream().map(Letter::point).toList();
  }

  /** The characters of a piece. */
  static List<Integer> points(byte[] bytes, int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.UTF_8).codePoints().boxed().toList();
  }
}
