package dev.sluice.actors.scheduling;

import dev.sluice.actors.kept.KeptSlot;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.flow.TokenRequest;

/** What a {@link BatchScheduler} wants sent to the first stage, in this order. */
public sealed interface LinkCommand {

  /** A sequence takes a slot: before its first {@link Step}. */
  final class Open implements LinkCommand {
    static final int NOTHING_SHARED = -1;

    private final KeptSlot kept;
    private final int sharedFrom;
    private final TokenRequest request;
    private final int[] tokens;

    Open(KeptSlot kept, int sharedFrom, TokenRequest request, int[] tokens) {
      this.kept = kept;
      this.sharedFrom = sharedFrom;
      this.request = request;
      this.tokens = tokens;
    }

    public int slot() {
      return kept.slot();
    }

    /** The sequence's number, and what the stages keep of it, or have of it in another slot. */
    public KeptSlot kept() {
      return kept;
    }

    /** Whether the positions that it begins with are those of a slot, in place of its own. */
    public boolean shares() {
      return sharedFrom != NOTHING_SHARED;
    }

    /** The slot that has the positions which it begins with; its own for one it takes over. */
    public int sharedFrom() {
      return sharedFrom;
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
      return "Open[" + kept + ", tokens=" + tokens.length + "]";
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

  /**
   * A micro-batch of positions that a sequence kept, for the stages that compute them again. Comes
   * back like a {@link Step}, with no result unless it failed.
   */
  final class Replay implements LinkCommand {
    private final long number;
    private final int slot;
    private final int startPosition;
    private final int[] tokens;
    private final boolean rows;

    Replay(long number, int slot, int startPosition, int[] tokens, boolean rows) {
      this.number = number;
      this.slot = slot;
      this.startPosition = startPosition;
      this.tokens = tokens;
      this.rows = rows;
    }

    /** As of a {@link Step}: all are numbered together. */
    public long number() {
      return number;
    }

    public int slot() {
      return slot;
    }

    public int startPosition() {
      return startPosition;
    }

    public int tokenCount() {
      return tokens.length;
    }

    public int token(int i) {
      return tokens[i];
    }

    /** Whether the first stage is among those that compute them, and is to be sent the tokens. */
    public boolean rows() {
      return rows;
    }

    @Override
    public String toString() {
      return "Replay[number="
          + number
          + ", slot="
          + slot
          + ", "
          + startPosition
          + "+"
          + tokens.length
          + "]";
    }
  }

  /** A sequence leaves its slot, behind its last {@link Step}. */
  record Close(int slot) implements LinkCommand {}
}
