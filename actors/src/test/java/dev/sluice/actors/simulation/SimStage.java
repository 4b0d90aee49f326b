package dev.sluice.actors.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.scheduling.CountedPages;
import dev.sluice.actors.scheduling.LinkCommand;
import dev.sluice.actors.scheduling.RowResult;
import dev.sluice.actors.scheduling.SchedulerLimits;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.flow.TokenRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One stage in one epoch: keeps the tokens of each slot instead of keys and values, and checks what
 * a real one would choke on. The last stage's model is {@link #token}.
 */
final class SimStage {
  private final SchedulerLimits limits;
  private final Map<Integer, List<Integer>> cache = new HashMap<>();
  private final Map<Integer, CountedPages> pages = new HashMap<>();
  private final Map<Integer, TokenRequest> requests = new HashMap<>();

  SimStage(SchedulerLimits limits) {
    this.limits = limits;
  }

  /** Slots that hold something. */
  int open() {
    return cache.size();
  }

  /** Takes what comes from the stage before, and gives the rows' results, as the last one does. */
  List<RowResult> take(LinkCommand command) {
    List<RowResult> results = new ArrayList<>();
    switch (command) {
      case LinkCommand.Open open -> {
        open(open);
        requests.put(open.slot(), open.request());
        assertThat(open.tokenCount()).isLessThanOrEqualTo(limits.contextTokens());
      }
      case LinkCommand.Close close -> {
        assertThat(cache.remove(close.slot())).as("the slot was open").isNotNull();
        pages.remove(close.slot());
      }
      case LinkCommand.Replay replay ->
          throw new AssertionError("nothing was kept, and yet comes " + replay);
      case LinkCommand.Step step -> {
        int row = 0;
        assertThat(step.rows()).isBetween(1, limits.tokenBudget());
        for (int i = 0; i < step.entries(); i++) {
          List<Integer> tokens = Objects.requireNonNull(cache.get(step.slot(i)), "slot is open");
          assertThat(step.startPosition(i)).as("positions follow on").isEqualTo(tokens.size());
          for (int t = 0; t < step.tokenCount(i); t++) {
            tokens.add(step.token(row++));
            Objects.requireNonNull(pages.get(step.slot(i))).add(pages.values());
            boolean last = t == step.tokenCount(i) - 1;
            if (step.flags(i) == MicroBatch.ALL_LOGITS || (step.flags(i) != 0 && last)) {
              results.add(result(step.slot(i), tokens));
            }
          }
        }
        assertThat(CountedPages.count(pages.values()))
            .as("pages in use")
            .isLessThanOrEqualTo(limits.capacityPages());
      }
    }
    return results;
  }

  private void open(LinkCommand.Open open) {
    List<Integer> tokens = new ArrayList<>();
    CountedPages taken = new CountedPages(limits.pageTokens());
    int positions = open.kept().positions();
    if (open.shares()) {
      List<Integer> source = Objects.requireNonNull(cache.get(open.sharedFrom()), "slot is open");
      tokens.addAll(source.subList(0, positions));
      taken = Objects.requireNonNull(pages.get(open.sharedFrom())).share(positions);
    }
    boolean own = open.sharedFrom() == open.slot();
    assertThat(cache.put(open.slot(), tokens) != null).as("the slot was taken").isEqualTo(own);
    pages.put(open.slot(), taken);
  }

  private RowResult result(int slot, List<Integer> tokens) {
    TokenRequest request = Objects.requireNonNull(requests.get(slot));
    int position = tokens.size() - 1;
    int[] prompt = request.prompt();
    int token =
        position < prompt.length - 1
            ? prompt[position + 1]
            : token(request, tokens, limits.vocabularySize());
    return new RowResult(slot, position, token, 0, 0, token, position, List.of());
  }

  /** The model: a hash of all tokens so far, and of the request's seed. */
  static int token(TokenRequest request, List<Integer> tokens, int vocabulary) {
    long hash = request.sampling().seed() + 1;
    for (int token : tokens) {
      hash = (hash ^ token) * 0x9E3779B97F4A7C15L;
      hash ^= hash >>> 29;
    }
    return (int) Long.remainderUnsigned(hash, vocabulary);
  }
}
