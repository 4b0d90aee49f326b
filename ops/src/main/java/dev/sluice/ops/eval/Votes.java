package dev.sluice.ops.eval;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Self-consistency (Wang et al. 2022): of several answers, the one that most come to counts. */
final class Votes {
  private Votes() {}

  /**
   * The first of the answers that come to what most answers come to. Of equal counts, the one met
   * first wins; answers that come to nothing have no vote unless all do.
   */
  static String winner(List<String> answers, Item.Judge judge) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    Map<String, String> first = new LinkedHashMap<>();
    for (String answer : answers) {
      String vote = judge.vote(answer);
      counts.merge(vote, vote.isEmpty() ? 0 : 1, Integer::sum);
      first.putIfAbsent(vote, answer);
    }
    String best = answers.getFirst();
    int most = -1;
    for (Map.Entry<String, Integer> entry : counts.entrySet()) {
      if (entry.getValue() > most) {
        most = entry.getValue();
        best = first.getOrDefault(entry.getKey(), best);
      }
    }
    return best;
  }
}
