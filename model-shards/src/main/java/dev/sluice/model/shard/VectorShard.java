package dev.sluice.model.shard;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.arch.Transformer;
import dev.sluice.model.cache.KvCache;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.kernel.Elementwise;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * A shard on the project's kernels. Rows of failed entries are left out of the computation: the
 * rows of the others are gathered, run together, and scattered to their places in the output.
 *
 * <p>A sequence whose entry failed here, or came here failed, stays failed until its slot is
 * released: micro-batches that were already on their way find out so.
 */
final class VectorShard implements ModelShard {
  private final ModelSpec spec;
  private final ShardOptions options;
  private final int contextTokens;
  private final Transformer transformer;
  private final KvCache cache;
  private final long rowBytes;
  private final int[] tokens;
  private final int[] wanted;

  /** The first of each entry's rows among those that are computed; -1 for entries left out. */
  private final int[] firstRows;

  /** Failure code of each slot's sequence. */
  private final byte[] failures;

  VectorShard(
      ModelSpec spec,
      ShardOptions options,
      int contextTokens,
      Transformer transformer,
      KvCache cache) {
    this.spec = spec;
    this.options = options;
    this.contextTokens = contextTokens;
    this.transformer = transformer;
    this.cache = cache;
    rowBytes = (long) spec.embeddingLength() * Float.BYTES;
    tokens = new int[options.maxRows()];
    wanted = new int[options.maxRows()];
    firstRows = new int[options.maxRows()];
    failures = new byte[options.maxSequences()];
  }

  @Override
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public LayerRange range() {
    return options.range();
  }

  @Override
  public void reserve(MicroBatch batch, int stage) {
    checkLimits(batch);
    try {
      for (int i = 0; i < batch.entries(); i++) {
        int slot = batch.slot(i);
        if (batch.failed(i)) {
          fail(batch, i, batch.failure(i), stage);
        } else if (failures[slot] != MicroBatch.FINE) {
          batch.fail(i, failures[slot], stage);
        } else {
          reserve(batch, i, stage);
        }
      }
    } catch (RuntimeException | Error e) {
      abandon(batch);
      throw e;
    }
  }

  /** What a batch left half done must not be built upon. */
  private void abandon(MicroBatch batch) {
    for (int i = 0; i < batch.entries(); i++) {
      failures[batch.slot(i)] = MicroBatch.SHARD_ERROR;
    }
  }

  private void reserve(MicroBatch batch, int i, int stage) {
    int slot = batch.slot(i);
    int start = batch.startPosition(i);
    if (start != cache.length(slot)) {
      throw new IllegalStateException(
          "the sequence in slot "
              + slot
              + " stands at position "
              + cache.length(slot)
              + ", the micro-batch goes on at "
              + start);
    }
    if (batch.tokenCount(i) > contextTokens - start || !cache.reserve(slot, batch.tokenCount(i))) {
      fail(batch, i, MicroBatch.NO_KV_PAGES, stage);
    }
  }

  @Override
  public void forward(MicroBatch batch, int stage, MemorySegment input, MemorySegment output) {
    checkLimits(batch);
    checkRoom(
        "input", input, isFirst() ? (long) batch.rows() * Integer.BYTES : batch.rows() * rowBytes);
    checkRoom("output", output, outputBytes(batch));
    try {
      gather(batch, input);
      if (transformer.rows() == 0) {
        return;
      }
      if (isFirst()) {
        transformer.embed(tokens);
      }
      transformer.layers();
      scatter(batch, stage, output);
      if (isLast()) {
        logits(batch, stage, output);
      }
    } catch (RuntimeException | Error e) {
      abandon(batch);
      throw e;
    }
  }

  /** Takes over the rows of the entries that have not failed. */
  private void gather(MicroBatch batch, MemorySegment input) {
    transformer.clear();
    int inputRow = 0;
    for (int i = 0; i < batch.entries(); i++) {
      int count = batch.tokenCount(i);
      boolean live = !batch.failed(i);
      int row = transformer.rows();
      firstRows[i] = live ? row : -1;
      if (live) {
        checkReserved(batch, i);
        for (int t = 0; t < count; t++) {
          transformer.addRow(batch.slot(i), batch.startPosition(i) + t);
        }
        if (isFirst()) {
          copyTokens(batch, i, input, inputRow, row);
        } else {
          MemorySegment.copy(
              input,
              inputRow * rowBytes,
              transformer.activations(),
              row * rowBytes,
              count * rowBytes);
        }
      }
      inputRow += count;
    }
  }

  private void checkReserved(MicroBatch batch, int i) {
    if (batch.tokenCount(i) > cache.length(batch.slot(i)) - batch.startPosition(i)) {
      throw new IllegalStateException(
          "no KV pages were reserved for slot "
              + batch.slot(i)
              + " at position "
              + batch.startPosition(i));
    }
  }

  private void copyTokens(MicroBatch batch, int i, MemorySegment input, int from, int to) {
    for (int t = 0; t < batch.tokenCount(i); t++) {
      int token = input.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, from + t);
      if (token < 0 || token >= spec.vocabularySize()) {
        throw new IllegalArgumentException(
            "token "
                + token
                + " of slot "
                + batch.slot(i)
                + " at position "
                + (batch.startPosition(i) + t)
                + " is not in the vocabulary of "
                + spec.vocabularySize());
      }
      tokens[to + t] = token;
    }
  }

  /** Checks the entries' rows and, unless logits are the output, puts them in their places. */
  private void scatter(MicroBatch batch, int stage, MemorySegment output) {
    int outputRow = 0;
    for (int i = 0; i < batch.entries(); i++) {
      int count = batch.tokenCount(i);
      if (firstRows[i] >= 0) {
        MemorySegment rows = transformer.activations();
        if (!isLast()) {
          MemorySegment.copy(
              rows, firstRows[i] * rowBytes, output, outputRow * rowBytes, count * rowBytes);
        }
        checkFinite(batch, i, stage, rows, firstRows[i], count, spec.embeddingLength());
      }
      outputRow += count;
    }
  }

  /** Computes the logits of neighbouring entries together, as far as none of them has failed. */
  private void logits(MicroBatch batch, int stage, MemorySegment output) {
    int run = 0;
    int outputRow = 0;
    for (int i = 0; i < batch.entries(); i++) {
      int count = batch.logitRows(i);
      if (batch.failed(i)) {
        logits(run, outputRow, output);
        run = 0;
      } else {
        int first = firstRows[i] + batch.tokenCount(i) - count;
        for (int t = 0; t < count; t++) {
          wanted[run++] = first + t;
        }
      }
      outputRow += count;
    }
    logits(run, outputRow, output);

    outputRow = 0;
    for (int i = 0; i < batch.entries(); i++) {
      int count = batch.logitRows(i);
      if (!batch.failed(i)) {
        checkFinite(batch, i, stage, output, outputRow, count, spec.vocabularySize());
      }
      outputRow += count;
    }
  }

  /** Logits of the {@code count} wanted rows, as the output's rows before {@code end}. */
  private void logits(int count, int end, MemorySegment output) {
    if (count > 0) {
      transformer.logits(wanted, count, output, (end - count) * (long) spec.vocabularySize());
    }
  }

  private void checkFinite(
      MicroBatch batch, int i, int stage, MemorySegment rows, int first, int count, int length) {
    for (int row = first; row < first + count; row++) {
      if (!Elementwise.allFinite(rows, (long) row * length, length)) {
        fail(batch, i, MicroBatch.NON_FINITE, stage);
        return;
      }
    }
  }

  private void fail(MicroBatch batch, int i, int code, int stage) {
    batch.fail(i, code, stage);
    failures[batch.slot(i)] = (byte) code;
  }

  private long outputBytes(MicroBatch batch) {
    return isLast()
        ? (long) batch.logitRows() * spec.vocabularySize() * Float.BYTES
        : batch.rows() * rowBytes;
  }

  private void checkLimits(MicroBatch batch) {
    if (batch.rows() > options.maxRows()) {
      throw new IllegalArgumentException(
          "a micro-batch of " + batch.rows() + " rows; the shard takes " + options.maxRows());
    }
    if (isLast() && batch.logitRows() > options.maxLogitRows()) {
      throw new IllegalArgumentException(
          "a micro-batch with "
              + batch.logitRows()
              + " rows of logits; the shard gives "
              + options.maxLogitRows());
    }
    for (int i = 0; i < batch.entries(); i++) {
      if (batch.slot(i) >= options.maxSequences()) {
        throw new IllegalArgumentException(
            "slot " + batch.slot(i) + "; the shard has " + options.maxSequences());
      }
    }
  }

  private static void checkRoom(String name, MemorySegment segment, long bytes) {
    if (segment.byteSize() < bytes) {
      throw new IllegalArgumentException(
          name + " of " + segment.byteSize() + " bytes; " + bytes + " are needed");
    }
  }

  @Override
  public int positions(int slot) {
    boolean fine = slot >= 0 && slot < failures.length && failures[slot] == MicroBatch.FINE;
    return fine ? cache.length(slot) : 0;
  }

  @Override
  public void truncate(int slot, int positions) {
    if (positions > positions(slot)) {
      throw new IllegalArgumentException(
          "slot " + slot + " holds " + positions(slot) + " positions, not " + positions);
    }
    cache.truncate(slot, positions);
  }

  @Override
  public void share(int from, int to, int positions) {
    if (positions > positions(from) || failures[to] != MicroBatch.FINE) {
      throw new IllegalArgumentException(
          "slot %d holds %d positions, of which slot %d cannot have %d"
              .formatted(from, positions(from), to, positions));
    }
    cache.share(from, to, positions);
  }

  @Override
  public void release(int slot) {
    if (slot >= 0 && slot < failures.length) {
      cache.release(slot);
      failures[slot] = MicroBatch.FINE;
    }
  }

  @Override
  public long kvRowBytes() {
    return cache.rowBytes();
  }

  @Override
  public void copyKv(int slot, int position, int count, MemorySegment target) {
    Objects.checkFromIndexSize(position, count, positions(slot));
    cache.copy(slot, position, count, target);
  }

  @Override
  public boolean restoreKv(int slot, int count, MemorySegment source, long offset) {
    Objects.checkFromIndexSize(offset, count * cache.rowBytes(), source.byteSize());
    int position = cache.length(slot);
    boolean room = count <= contextTokens - position && failures[slot] == MicroBatch.FINE;
    if (!room || !cache.reserve(slot, count)) {
      return false;
    }
    cache.restore(slot, position, count, source, offset);
    return true;
  }

  @Override
  public KvUsage kvUsage() {
    return cache.usage();
  }

  @Override
  public void close() {
    transformer.close();
    cache.close();
  }
}
