package dev.sluice.actors.scheduling;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.flow.TokenRequest;

/** What a {@link BatchScheduler} wants sent to the first stage, in this order. */
public sealed interface LinkCommand {

  /** A sequence takes a slot: before its first {@link Step}. */
  final class Open implements LinkCommand {
    private final int slot;
    private final TokenRequest request;
    private final int[] tokens;

    Open(int slot, TokenRequest request, int[] tokens) {
      this.slot = slot;
      this.request = request;
      this.tokens = tokens;
    }

    public int slot() {
      return slot;
    }

    /** How the sequence is sampled. */
    public TokenRequest request() {
      return request;
    }

    /** The number of tokens so far: the prompt's, and those generated already. */
    public int tokenCount() {
      return tokens.length;
    }

    public int token(int i) {
      return tokens[i];
    }

    @Override
    public String toString() {
      return "Open[slot=" + slot + ", tokens=" + tokens.length + "]";
    }
  }

  /** A micro-batch. Immutable; entries as in {@link MicroBatch}. */
  final class Step implements LinkCommand {
    private static final int FIELDS = 4;

    private final long number;
    private final int[] entries;
    private final int[] tokens;

    Step(long number, int[] entries, int[] tokens) {
      this.number = number;
      this.entries = entries;
      this.tokens = tokens;
    }

    /** The micro-batch's number: one more than that of the one before. */
    public long number() {
      return number;
    }

    public int entries() {
      return entries.length / FIELDS;
    }

    public int slot(int i) {
      return entries[i * FIELDS];
    }

    public int startPosition(int i) {
      return entries[i * FIELDS + 1];
    }

    public int tokenCount(int i) {
      return entries[i * FIELDS + 2];
    }

    /** {@link MicroBatch#LAST_LOGITS}, {@link MicroBatch#ALL_LOGITS} or 0. */
    public int flags(int i) {
      return entries[i * FIELDS + 3];
    }

    /** Tokens of all entries. */
    public int rows() {
      return tokens.length;
    }

    /** The token of a row; rows follow the entries in order. */
    public int token(int row) {
      return tokens[row];
    }

    /** Rows of logits of all entries. */
    public int logitRows() {
      int sum = 0;
      for (int i = 0; i < entries(); i++) {
        sum += (flags(i) & MicroBatch.ALL_LOGITS) != 0 ? tokenCount(i) : flags(i);
      }
      return sum;
    }

    @Override
    public String toString() {
      return "Step[number=" + number + ", entries=" + entries() + ", rows=" + rows() + "]";
    }
  }

  /** A sequence leaves its slot, behind its last {@link Step}. */
  record Close(int slot) implements LinkCommand {}
}
