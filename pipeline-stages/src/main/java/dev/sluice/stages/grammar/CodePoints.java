package dev.sluice.stages.grammar;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A set of Unicode code points.
 *
 * @param ranges ascending, apart from each other, without surrogates, which no UTF-8 text has
 */
record CodePoints(List<Range> ranges) {
  static final CodePoints ALL = new CodePoints(List.of(new Range(0, Character.MAX_CODE_POINT)));

  /** From first to last, both included. */
  record Range(int first, int last) {}

  CodePoints(List<Range> ranges) {
    this.ranges = withoutSurrogates(merged(ranges));
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }

  /** All that are not in this set. */
  CodePoints complement() {
    List<Range> others = new ArrayList<>();
    int next = 0;
    for (Range range : ranges) {
      if (range.first > next) {
        others.add(new Range(next, range.first - 1));
      }
      next = range.last + 1;
    }
    if (next <= Character.MAX_CODE_POINT) {
      others.add(new Range(next, Character.MAX_CODE_POINT));
    }
    return new CodePoints(others);
  }

  /** All that are in both sets. */
  CodePoints and(CodePoints other) {
    List<Range> without = new ArrayList<>(complement().ranges);
    without.addAll(other.complement().ranges);
    return new CodePoints(without).complement();
  }

  private static List<Range> merged(List<Range> ranges) {
    List<Range> sorted = new ArrayList<>(ranges);
    sorted.sort(Comparator.comparingInt(Range::first));
    List<Range> merged = new ArrayList<>();
    for (Range range : sorted) {
      if (!merged.isEmpty() && range.first <= merged.getLast().last + 1) {
        Range before = merged.removeLast();
        merged.add(new Range(before.first, Math.max(before.last, range.last)));
      } else {
        merged.add(range);
      }
    }
    return merged;
  }

  private static List<Range> withoutSurrogates(List<Range> ranges) {
    List<Range> kept = new ArrayList<>();
    for (Range range : ranges) {
      if (range.first < Character.MIN_SURROGATE) {
        kept.add(new Range(range.first, Math.min(range.last, Character.MIN_SURROGATE - 1)));
      }
      if (range.last > Character.MAX_SURROGATE) {
        kept.add(new Range(Math.max(range.first, Character.MAX_SURROGATE + 1), range.last));
      }
    }
    return List.copyOf(kept);
  }
}
