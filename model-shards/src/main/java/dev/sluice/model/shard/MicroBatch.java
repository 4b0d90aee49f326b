package dev.sluice.model.shard;

/**
 * The entries of one micro-batch: runs of consecutive positions of sequences, prompt chunks and
 * decode steps mixed. The rows of activations follow the entries in order: entry 0's {@code
 * tokenCount} rows, then entry 1's, and so on.
 *
 * <p>Flags of an entry: bit 0 {@link #LAST_LOGITS}, bit 1 {@link #ALL_LOGITS}, bits 8..15 the
 * failure code ({@link #FINE}, {@link #NO_KV_PAGES}, {@link #NON_FINITE}, {@link #SHARD_ERROR}),
 * bits 16..31 the index of the stage that failed. A failed entry keeps its rows in the payload, so
 * that offsets hold on every stage, but nothing is computed for them.
 *
 * <p>Reusable, of fixed capacity, filled and read by one thread at a time; nothing is allocated
 * after construction.
 */
public final class MicroBatch {
  /** Logits are wanted for the entry's last row. */
  public static final int LAST_LOGITS = 1;

  /** Logits are wanted for every row of the entry. */
  public static final int ALL_LOGITS = 2;

  /** Failure code: none. */
  public static final int FINE = 0;

  /** Failure code: the KV cache had no page left. */
  public static final int NO_KV_PAGES = 1;

  /** Failure code: a row that the stage computed holds NaN or an infinite number. */
  public static final int NON_FINITE = 2;

  /** Failure code: the stage threw. */
  public static final int SHARD_ERROR = 3;

  private static final int FIELDS = 4;
  private static final int FAILURE_SHIFT = 8;
  private static final int STAGE_SHIFT = 16;
  private static final int BYTE = 0xff;
  private static final int SHORT = 0xffff;

  private final int[] fields;
  private int entries;
  private int rows;
  private int logitRows;

  /**
   * An empty batch.
   *
   * @param maxEntries how many entries it has room for
   */
  public MicroBatch(int maxEntries) {
    if (maxEntries < 1 || maxEntries > 1 << 20) {
      throw new IllegalArgumentException("maxEntries out of 1..2^20: " + maxEntries);
    }
    fields = new int[maxEntries * FIELDS];
  }

  /** How many entries the batch has room for. */
  public int maxEntries() {
    return fields.length / FIELDS;
  }

  /** Removes all entries. */
  public void clear() {
    entries = 0;
    rows = 0;
    logitRows = 0;
  }

  /**
   * Adds an entry.
   *
   * @param slot the sequence's slot
   * @param startPosition position of the first token, counted from 0
   * @param tokenCount number of tokens, at least 1
   * @param flags {@link #LAST_LOGITS}, {@link #ALL_LOGITS}, or 0; failure bits as received
   * @throws IllegalStateException when the batch is full
   * @throws IllegalArgumentException for a negative slot or position, or no token
   */
  public void add(int slot, int startPosition, int tokenCount, int flags) {
    if (entries == maxEntries()) {
      throw new IllegalStateException("the micro-batch is full: " + entries + " entries");
    }
    if (slot < 0
        || startPosition < 0
        || tokenCount < 1
        || tokenCount > Integer.MAX_VALUE - startPosition
        || tokenCount > Integer.MAX_VALUE - rows) {
      throw new IllegalArgumentException(
          "no entry: slot " + slot + ", position " + startPosition + ", tokens " + tokenCount);
    }
    int at = entries * FIELDS;
    fields[at] = slot;
    fields[at + 1] = startPosition;
    fields[at + 2] = tokenCount;
    fields[at + 3] = flags;
    entries++;
    rows += tokenCount;
    logitRows += logitRowsOf(flags, tokenCount);
  }

  /** The number of entries. */
  public int entries() {
    return entries;
  }

  /** The slot of entry {@code i}. */
  public int slot(int i) {
    return fields[at(i)];
  }

  /** The position of the first token of entry {@code i}. */
  public int startPosition(int i) {
    return fields[at(i) + 1];
  }

  /** The number of tokens, and rows, of entry {@code i}. */
  public int tokenCount(int i) {
    return fields[at(i) + 2];
  }

  /** The flags of entry {@code i}. */
  public int flags(int i) {
    return fields[at(i) + 3];
  }

  /** Replaces the flags of entry {@code i}. */
  public void flags(int i, int flags) {
    int at = at(i);
    int tokens = fields[at + 2];
    logitRows += logitRowsOf(flags, tokens) - logitRowsOf(fields[at + 3], tokens);
    fields[at + 3] = flags;
  }

  /** Rows of all entries, failed ones too: the sum of the token counts. */
  public int rows() {
    return rows;
  }

  /** Rows of logits of all entries, failed ones too. */
  public int logitRows() {
    return logitRows;
  }

  /** Rows of logits of entry {@code i}: none, one ({@link #LAST_LOGITS}) or its token count. */
  public int logitRows(int i) {
    return logitRowsOf(flags(i), tokenCount(i));
  }

  /** The failure code of entry {@code i}, {@link #FINE} where it has not failed. */
  public int failure(int i) {
    return flags(i) >>> FAILURE_SHIFT & BYTE;
  }

  /** The index of the stage that failed entry {@code i}; 0 also where it has not failed. */
  public int failedStage(int i) {
    return flags(i) >>> STAGE_SHIFT & SHORT;
  }

  /** Whether entry {@code i} has failed on this stage or an earlier one. */
  public boolean failed(int i) {
    return failure(i) != FINE;
  }

  /**
   * Marks entry {@code i} as failed. The first failure stands: a later one changes nothing.
   *
   * @param code {@link #NO_KV_PAGES}, {@link #NON_FINITE} or {@link #SHARD_ERROR}
   * @param stage index of the stage, 0..65535
   */
  public void fail(int i, int code, int stage) {
    if (code <= FINE || code > BYTE || stage < 0 || stage > SHORT) {
      throw new IllegalArgumentException("no failure: code " + code + ", stage " + stage);
    }
    if (!failed(i)) {
      flags(i, flags(i) | code << FAILURE_SHIFT | stage << STAGE_SHIFT);
    }
  }

  private static int logitRowsOf(int flags, int tokens) {
    return (flags & ALL_LOGITS) != 0 ? tokens : flags & LAST_LOGITS;
  }

  private int at(int i) {
    if (i < 0 || i >= entries) {
      throw new IndexOutOfBoundsException("entry " + i + " of " + entries);
    }
    return i * FIELDS;
  }
}
