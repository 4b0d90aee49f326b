package dev.sluice.stages.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Learns tokens by joining pairs of symbols, the pair with the highest gain first, until the
 * vocabulary has its size. Of pairs with the same gain, the one with the smaller left symbol comes
 * first, then the one with the smaller right symbol; so what is learnt depends on how often pieces
 * are there and on nothing else, not on their order.
 *
 * <p>Two pairs may join to the same text; then they have one token.
 */
final class VocabularyLearner {
  /** Longer tokens are not learnt. */
  static final int MAX_TOKEN_LENGTH = 256;

  /** What joining a pair is worth. */
  enum Gain {
    /**
     * How often the pair is there.
     *
     * @see <a href="https://arxiv.org/abs/1508.07909">Sennrich, Haddow and Birch, algorithm 1</a>
     */
    COUNT,
    /**
     * By how much the likelihood of the text grows for each time the pair is there, with symbols
     * drawn independently: {@code count(ab) / (count(a) count(b))}.
     *
     * @see <a href="https://doi.org/10.1109/ICASSP.2012.6289079">Schuster and Nakajima</a>
     */
    LIKELIHOOD
  }

  /** Two tokens that were joined. */
  record Merge(int left, int right) {}

  private final PairIndex index;
  private final VocabularyDraft draft;
  private final Gain gain;
  private final long minFrequency;
  private final MergeQueue queue;
  private final List<Merge> merges = new ArrayList<>();

  /** How often each symbol is there, and its pairs; for {@link Gain#LIKELIHOOD} only. */
  private final long[] symbolCounts;

  private final List<IntList> pairsOfSymbol = new ArrayList<>();
  private int pairsFiled;

  /**
   * @param symbolCounts how often each token of the draft is there, with room for all to be learnt
   * @param minFrequency pairs that are there less often are not joined
   */
  VocabularyLearner(
      PairIndex index, VocabularyDraft draft, long[] symbolCounts, Gain gain, long minFrequency) {
    this.index = index;
    this.draft = draft;
    this.symbolCounts = symbolCounts;
    this.gain = gain;
    this.minFrequency = minFrequency;
    queue = new MergeQueue(index);
  }

  /**
   * Learns until the draft has so many tokens, or no pair is left.
   *
   * @param progress is told the draft's size after each token
   * @return what was joined, in order
   */
  List<Merge> learn(int size, IntConsumer progress) {
    for (int pair = 0; pair < index.pairs(); pair++) {
      consider(pair);
    }
    filePairs();
    while (draft.size() < size && !queue.isEmpty()) {
      double expected = queue.gain();
      int pair = queue.take();
      double actual = gain(pair);
      if (actual != expected) {
        // Gains that grow are queued when they do, so this entry only comes too early.
        if (actual < expected) {
          consider(pair);
        }
        continue;
      }
      if (index.count(pair) > 0) {
        join(pair, progress);
      }
    }
    return merges;
  }

  private void join(int pair, IntConsumer progress) {
    int left = index.left(pair);
    int right = index.right(pair);
    String text = draft.token(left) + draft.token(right);
    int joined = draft.find(text);
    if (text.length() > MAX_TOKEN_LENGTH || (joined >= 0 && !draft.isNormal(joined))) {
      return;
    }
    boolean isNew = joined < 0;
    if (isNew) {
      joined = draft.add(text, TokenType.NORMAL);
    }
    merges.add(new Merge(left, right));
    final long times = index.join(pair, joined);
    filePairs();
    switch (gain) {
      case COUNT -> {
        for (int i = 0; i < index.grown().size(); i++) {
          consider(index.grown().get(i));
        }
      }
      case LIKELIHOOD -> {
        symbolCounts[left] -= times;
        symbolCounts[right] -= times;
        symbolCounts[joined] += times;
        considerPairsOf(left);
        considerPairsOf(right);
        considerPairsOf(joined);
      }
    }
    if (isNew) {
      progress.accept(draft.size());
    }
  }

  /** Puts a pair into the queue at its gain of now, if it can be joined. */
  private void consider(int pair) {
    if (index.count(pair) >= minFrequency) {
      queue.add(pair, gain(pair));
    }
  }

  private double gain(int pair) {
    double count = index.count(pair);
    return switch (gain) {
      case COUNT -> count;
      case LIKELIHOOD ->
          count == 0 ? 0 : count / symbolCounts[index.left(pair)] / symbolCounts[index.right(pair)];
    };
  }

  private void considerPairsOf(int symbol) {
    if (symbol < pairsOfSymbol.size()) {
      IntList pairs = pairsOfSymbol.get(symbol);
      int kept = 0;
      for (int i = 0; i < pairs.size(); i++) {
        int pair = pairs.get(i);
        if (index.count(pair) > 0) {
          pairs.set(kept++, pair);
          consider(pair);
        }
      }
      pairs.truncate(kept);
    }
  }

  /** Files pairs that are new under both their symbols. */
  private void filePairs() {
    if (gain == Gain.LIKELIHOOD) {
      for (; pairsFiled < index.pairs(); pairsFiled++) {
        file(index.left(pairsFiled), pairsFiled);
        if (index.right(pairsFiled) != index.left(pairsFiled)) {
          file(index.right(pairsFiled), pairsFiled);
        }
      }
    }
  }

  private void file(int symbol, int pair) {
    while (pairsOfSymbol.size() <= symbol) {
      pairsOfSymbol.add(new IntList(16));
    }
    pairsOfSymbol.get(symbol).add(pair);
  }
}
