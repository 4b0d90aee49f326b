package dev.sluice.model.training;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Documents as token ids, each id with a mark whether its prediction is learnt. Held in memory:
 * four bytes and one bit a token. Immutable.
 */
public final class TokenDataset {
  private final int vocabulary;
  private final int[] ids;
  private final BitSet learnt;
  private final int[] starts;
  private final long learntTokens;
  private final long fingerprint;

  private TokenDataset(int vocabulary, int[] ids, BitSet learnt, int[] starts, long learntTokens) {
    this.vocabulary = vocabulary;
    this.ids = ids;
    this.learnt = learnt;
    this.starts = starts;
    this.learntTokens = learntTokens;
    fingerprint = hash();
  }

  /** A set under construction. */
  public static Builder builder(int vocabulary) {
    return new Builder(vocabulary);
  }

  /** How many tokens the ids are drawn from. */
  public int vocabulary() {
    return vocabulary;
  }

  /** How many documents. */
  public int documents() {
    return starts.length - 1;
  }

  /** How many tokens, those that only begin a document included. */
  public long tokens() {
    return ids.length;
  }

  /** How many tokens are predicted and learnt. */
  public long learntTokens() {
    return learntTokens;
  }

  int start(int document) {
    return starts[document];
  }

  int length(int document) {
    return starts[document + 1] - starts[document];
  }

  int id(int at) {
    return ids[at];
  }

  boolean learnt(int at) {
    return learnt.get(at);
  }

  /** A hash of all of it: two sets with one hash are taken for the same. */
  long fingerprint() {
    return fingerprint;
  }

  private long hash() {
    long hash = Mix.hash(vocabulary, documents());
    for (int id : ids) {
      hash = Mix.hash(hash, id);
    }
    for (long word : learnt.toLongArray()) {
      hash = Mix.hash(hash, word);
    }
    for (int start : starts) {
      hash = Mix.hash(hash, start);
    }
    return hash;
  }

  /** Collects documents. */
  public static final class Builder {
    private static final int MOST = Integer.MAX_VALUE - 16;

    private final int vocabulary;
    private int[] ids = new int[1 << 16];
    private int count;
    private final BitSet learnt = new BitSet();
    private int[] starts = new int[1 << 10];
    private int documents;
    private long learntTokens;

    private Builder(int vocabulary) {
      this.vocabulary = vocabulary;
    }

    /**
     * Adds a document. The first token is never predicted.
     *
     * @param marks which tokens are learnt, one a token; null: all
     * @throws IllegalArgumentException for an id outside the vocabulary, or marks of another length
     * @throws IllegalStateException past 2^31 tokens
     */
    public Builder add(int[] document, boolean @Nullable [] marks) {
      if (marks != null && marks.length != document.length) {
        throw new IllegalArgumentException(
            document.length + " tokens have " + marks.length + " marks");
      }
      if (document.length < 2) {
        return this;
      }
      if (document.length > MOST - count) {
        throw new IllegalStateException("a set holds at most 2^31 tokens");
      }
      if (count + document.length > ids.length) {
        ids = Arrays.copyOf(ids, (int) Math.min(MOST, 2L * (count + document.length)));
      }
      for (int i = 0; i < document.length; i++) {
        if (document[i] < 0 || document[i] >= vocabulary) {
          throw new IllegalArgumentException(
              "token " + document[i] + " is not in a vocabulary of " + vocabulary);
        }
        ids[count + i] = document[i];
        if (i > 0 && (marks == null || marks[i])) {
          learnt.set(count + i);
          learntTokens++;
        }
      }
      if (documents + 1 == starts.length) {
        starts = Arrays.copyOf(starts, 2 * starts.length);
      }
      starts[documents++] = count;
      count += document.length;
      return this;
    }

    /** The set. The builder is of no use afterwards. */
    public TokenDataset build() {
      int[] ends = Arrays.copyOf(starts, documents + 1);
      ends[documents] = count;
      return new TokenDataset(vocabulary, Arrays.copyOf(ids, count), learnt, ends, learntTokens);
    }
  }
}
