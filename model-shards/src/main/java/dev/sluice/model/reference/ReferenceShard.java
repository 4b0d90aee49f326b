package dev.sluice.model.reference;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.arch.PositionEncoding;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs each entry of a batch by itself through the layers: an entry never sees another. A sequence
 * whose entry failed here, or came here failed, stays failed until its slot is released.
 */
final class ReferenceShard implements ModelShard {
  private static final ValueLayout.OfInt TOKEN = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfFloat ACTIVATION = ValueLayout.JAVA_FLOAT;

  private final ModelSpec spec;
  private final ShardOptions options;
  private final Algebra algebra;
  private final Scope weights = new Scope();
  private final List<LayerRunner> layers = new ArrayList<>();
  private final @Nullable GgufTensor embedding;
  private final @Nullable GgufTensor positions;
  private final @Nullable Norm outputNorm;
  private final @Nullable Linear head;
  private final ReferenceCache cache;

  /** Failure code of each slot's sequence. */
  private final byte[] failures;

  private boolean closed;

  ReferenceShard(GgufFile file, ShardOptions options, Precision precision) {
    spec = ModelSpec.of(file);
    this.options = options;
    if (spec.vocabularyOnly()) {
      throw new ModelFileException(file.path(), "holds a vocabulary and no weights");
    }
    LayerRange range = options.range();
    if (range.size() == 0 || range.end() > spec.layers()) {
      throw new IllegalArgumentException(
          "layers " + range + " of a model with " + spec.layers() + " layers");
    }
    options.adapters().forEach(scaled -> scaled.adapter().checkRunnable(file));
    MemoryNeed.check(file, spec, options, precision);
    algebra = new Algebra(precision);
    WeightLoader loader = new WeightLoader(file, spec, algebra, weights, options.adapters());
    boolean loaded = false;
    try {
      embedding = isFirst() ? loader.embedding() : null;
      boolean learned = spec.position() instanceof PositionEncoding.Learned;
      positions = isFirst() && learned ? loader.positions() : null;
      for (int layer = range.first(); layer < range.end(); layer++) {
        layers.add(
            new LayerRunner(
                algebra,
                spec,
                loader.layer(layer),
                layer - range.first(),
                spec.window(layer),
                spec.position() instanceof PositionEncoding.Rope rope
                    ? Rotation.of(
                        algebra, file, spec, rope, spec.slides(layer), options.contextTokens())
                    : null));
      }
      outputNorm = isLast() ? loader.outputNorm() : null;
      head = isLast() ? loader.head() : null;
      loaded = true;
    } finally {
      if (!loaded) {
        weights.close();
      }
    }
    cache = new ReferenceCache(algebra, spec, options, precision);
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
    checkOpen();
    checkLimits(batch);
    try {
      for (int i = 0; i < batch.entries(); i++) {
        int slot = batch.slot(i);
        if (batch.failed(i)) {
          failures[slot] = (byte) batch.failure(i);
        } else if (failures[slot] != MicroBatch.FINE) {
          batch.fail(i, failures[slot], stage);
        } else if (!cache.reserve(slot, batch.startPosition(i), batch.tokenCount(i))) {
          fail(batch, i, MicroBatch.NO_KV_PAGES, stage);
        }
      }
    } catch (RuntimeException | Error e) {
      abandon(batch);
      throw e;
    }
  }

  @Override
  public void forward(MicroBatch batch, int stage, MemorySegment input, MemorySegment output) {
    checkOpen();
    checkLimits(batch);
    try {
      checkSizes(batch, input, output);
      int row = 0;
      int logitRow = 0;
      for (int i = 0; i < batch.entries(); i++) {
        if (!batch.failed(i) && !forward(batch, i, input, row, output, isLast() ? logitRow : row)) {
          fail(batch, i, MicroBatch.NON_FINITE, stage);
        }
        row += batch.tokenCount(i);
        logitRow += batch.logitRows(i);
      }
    } catch (RuntimeException | Error e) {
      abandon(batch);
      throw e;
    }
  }

  private void fail(MicroBatch batch, int i, int code, int stage) {
    batch.fail(i, code, stage);
    failures[batch.slot(i)] = (byte) code;
  }

  /** What a batch left half done must not be built upon. */
  private void abandon(MicroBatch batch) {
    for (int i = 0; i < batch.entries(); i++) {
      failures[batch.slot(i)] = MicroBatch.SHARD_ERROR;
    }
  }

  /** Runs one entry; whether all that it gave is finite. */
  private boolean forward(
      MicroBatch batch, int i, MemorySegment input, int row, MemorySegment output, int outputRow) {
    int start = batch.startPosition(i);
    int rows = batch.tokenCount(i);
    SequenceCache sequence = cache.sequence(batch.slot(i), start + rows);
    INDArray x = isFirst() ? embedded(input, row, rows, start) : read(input, row, rows);
    for (LayerRunner layer : layers) {
      INDArray next;
      try {
        next = layer.run(x, sequence, start);
      } finally {
        Scope.free(x);
      }
      x = next;
    }
    try (Scope scope = new Scope()) {
      scope.own(x);
      if (!isLast()) {
        return write(x, output, outputRow);
      }
      int logitRows = batch.logitRows(i);
      return logitRows == 0 || write(scope.own(logits(x, logitRows)), output, outputRow);
    }
  }

  /** {@code scale * embedding[token] + position}, {@code [rows x embeddingLength]}. */
  private INDArray embedded(MemorySegment tokens, int row, int rows, int start) {
    GgufTensor table = present(embedding);
    int width = spec.embeddingLength();
    INDArray x = algebra.array(rows, width);
    MemorySegment memory = algebra.memory(x);
    float[] learned = new float[width];
    float[] vector = new float[width];
    for (int r = 0; r < rows; r++) {
      WeightLoader.row(table, tokens.getAtIndex(TOKEN, (long) row + r), vector);
      if (positions != null) {
        WeightLoader.row(positions, start + r, learned);
      }
      for (int k = 0; k < width; k++) {
        double position =
            spec.position() instanceof PositionEncoding.Sinusoidal
                ? sinusoid(start + r, k, width)
                : learned[k];
        algebra.set(
            memory, (long) r * width + k, vector[k] * (double) spec.embeddingScale() + position);
      }
    }
    return x;
  }

  /** Element {@code k} of the sine waves of a position (Vaswani et al., 2017, section 3.5). */
  private static double sinusoid(int position, int k, int width) {
    double angle = position / StrictMath.pow(10_000, (k - k % 2) / (double) width);
    return k % 2 == 0 ? StrictMath.sin(angle) : StrictMath.cos(angle);
  }

  /** Logits of the last {@code count} rows, {@code [count x vocabularySize]}. */
  private INDArray logits(INDArray x, int count) {
    try (Scope scope = new Scope()) {
      INDArray last = scope.own(algebra.rows(x, x.size(0) - count, count));
      INDArray normed = scope.own(algebra.norm(last, present(outputNorm), spec));
      INDArray logits = algebra.linear(normed, present(head));
      if (spec.finalSoftCap() > 0) {
        algebra.softCap(logits, spec.finalSoftCap());
      }
      return logits;
    }
  }

  private INDArray read(MemorySegment input, int row, int rows) {
    int width = spec.embeddingLength();
    INDArray x = algebra.array(rows, width);
    MemorySegment memory = algebra.memory(x);
    for (long k = 0; k < (long) rows * width; k++) {
      algebra.set(memory, k, input.getAtIndex(ACTIVATION, (long) row * width + k));
    }
    return x;
  }

  /** Writes rows as floats; whether all of them are finite. */
  private boolean write(INDArray x, MemorySegment output, int row) {
    MemorySegment memory = algebra.memory(x);
    boolean finite = true;
    long base = row * x.size(1);
    for (long k = 0; k < x.length(); k++) {
      float value = (float) algebra.get(memory, k);
      finite &= Float.isFinite(value);
      output.setAtIndex(ACTIVATION, base + k, value);
    }
    return finite;
  }

  private void checkLimits(MicroBatch batch) {
    if (batch.rows() > options.maxRows()
        || (isLast() && batch.logitRows() > options.maxLogitRows())) {
      throw new IllegalArgumentException(
          "a batch of "
              + batch.rows()
              + " rows and "
              + batch.logitRows()
              + " rows of logits; the shard takes "
              + options.maxRows()
              + " and "
              + options.maxLogitRows());
    }
    for (int i = 0; i < batch.entries(); i++) {
      if (batch.slot(i) >= options.maxSequences()) {
        throw new IllegalArgumentException(
            "slot " + batch.slot(i) + " of " + options.maxSequences() + " slots");
      }
    }
  }

  private void checkSizes(MicroBatch batch, MemorySegment input, MemorySegment output) {
    long width = spec.embeddingLength();
    long inputs = isFirst() ? batch.rows() : batch.rows() * width;
    long outputs =
        isLast() ? (long) batch.logitRows() * spec.vocabularySize() : batch.rows() * width;
    if (input.byteSize() < inputs * Float.BYTES || output.byteSize() < outputs * Float.BYTES) {
      throw new IllegalArgumentException(
          "input of "
              + input.byteSize()
              + " and output of "
              + output.byteSize()
              + " bytes; the batch needs "
              + inputs * Float.BYTES
              + " and "
              + outputs * Float.BYTES);
    }
    if (isFirst()) {
      checkTokens(batch, input);
    }
  }

  private void checkTokens(MicroBatch batch, MemorySegment input) {
    int row = 0;
    for (int i = 0; i < batch.entries(); i++) {
      for (int r = 0; r < batch.tokenCount(i) && !batch.failed(i); r++) {
        int token = input.getAtIndex(TOKEN, (long) row + r);
        if (token < 0 || token >= spec.vocabularySize()) {
          throw new IllegalArgumentException(
              "token "
                  + token
                  + " of slot "
                  + batch.slot(i)
                  + " at position "
                  + (batch.startPosition(i) + r)
                  + " is not in the vocabulary of "
                  + spec.vocabularySize());
        }
      }
      row += batch.tokenCount(i);
    }
  }

  private static <T> T present(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("a part of another shard was asked for");
    }
    return part;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the shard is closed");
    }
  }

  @Override
  public int positions(int slot) {
    boolean fine = slot >= 0 && slot < failures.length && failures[slot] == MicroBatch.FINE;
    return fine ? cache.length(slot) : 0;
  }

  @Override
  public void truncate(int slot, int positions) {
    checkOpen();
    if (positions < 0 || positions > positions(slot)) {
      throw new IllegalArgumentException(
          "slot " + slot + " holds " + positions(slot) + " positions, not " + positions);
    }
    cache.truncate(slot, positions);
  }

  @Override
  public void release(int slot) {
    checkOpen();
    if (slot >= 0 && slot < failures.length) {
      cache.release(slot);
      failures[slot] = MicroBatch.FINE;
    }
  }

  @Override
  public KvUsage kvUsage() {
    return cache.usage();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      cache.close();
      weights.close();
    }
  }
}
