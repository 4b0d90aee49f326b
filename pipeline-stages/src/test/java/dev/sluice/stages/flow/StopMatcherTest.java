package dev.sluice.stages.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;

class StopMatcherTest {
  @Property(tries = 3_000)
  void shouldFindTheFirstCompletedAndKnowWhatMayBecomeOne(
      @ForAll @CharRange(from = 'a', to = 'c') @StringLength(max = 30) String text,
      @ForAll @Size(min = 1, max = 4)
          List<@CharRange(from = 'a', to = 'c') @StringLength(min = 1, max = 6) String> stops) {
    StopMatcher matcher = new StopMatcher(stops);
    for (int end = 1; end <= text.length(); end++) {
      String seen = text.substring(0, end);
      int found = matcher.accept(text.charAt(end - 1));
      int expected = stops.stream().filter(seen::endsWith).mapToInt(String::length).max().orElse(0);
      assertThat(found).isEqualTo(expected);
      if (found > 0) {
        return;
      }
      assertThat(matcher.undecided()).isEqualTo(longestPrefixAtTheEnd(seen, stops));
    }
  }

  private static int longestPrefixAtTheEnd(String seen, List<String> stops) {
    for (int length = seen.length(); length > 0; length--) {
      String end = seen.substring(seen.length() - length);
      if (stops.stream().anyMatch(stop -> stop.startsWith(end))) {
        return length;
      }
    }
    return 0;
  }

  @Example
  void shouldFindNothingWithoutStops() {
    StopMatcher matcher = new StopMatcher(List.of());
    assertThat(matcher.accept('a')).isZero();
    assertThat(matcher.undecided()).isZero();
  }
}
