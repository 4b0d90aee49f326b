package dev.sluice.model.shard;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A whole model as shards in one process, activations handed over through memory. */
final class ShardChain implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final List<ModelShard> shards = new ArrayList<>();
  private final MemorySegment tokens;
  private final MemorySegment[] activations;
  private final MemorySegment logits;

  /**
   * Loads shards.
   *
   * @param cuts first layers of the second shard and the following ones
   */
  ShardChain(GgufFile file, ShardOptions options, WorkerPool pool, int... cuts) {
    int layers = ModelSpec.of(file).layers();
    int first = 0;
    for (int i = 0; i <= cuts.length; i++) {
      int end = i < cuts.length ? cuts[i] : layers;
      shards.add(ModelShards.load(file, options.withRange(new LayerRange(first, end)), pool));
      first = end;
    }
    long rowBytes = 4L * shards.getFirst().spec().embeddingLength();
    tokens = arena.allocate(4L * options.maxRows(), 4);
    activations = new MemorySegment[cuts.length];
    for (int i = 0; i < cuts.length; i++) {
      activations[i] = arena.allocate(rowBytes * options.maxRows(), 4);
    }
    logits =
        arena.allocate(4L * options.maxLogitRows() * shards.getLast().spec().vocabularySize(), 4);
  }

  /** The even cuts of {@code layers} layers into {@code stages}. */
  static int[] evenCuts(int layers, int stages) {
    int[] cuts = new int[stages - 1];
    for (int i = 0; i < cuts.length; i++) {
      cuts[i] = (i + 1) * layers / stages;
    }
    return cuts;
  }

  List<ModelShard> shards() {
    return shards;
  }

  int vocabularySize() {
    return shards.getLast().spec().vocabularySize();
  }

  /** Where {@link #step} reads token ids, a row each. */
  MemorySegment tokens() {
    return tokens;
  }

  /** Runs a batch through all shards; {@link #tokens} holds the input. */
  void step(MicroBatch batch) {
    MemorySegment input = tokens;
    for (int stage = 0; stage < shards.size(); stage++) {
      MemorySegment output = stage == activations.length ? logits : activations[stage];
      shards.get(stage).reserve(batch, stage);
      shards.get(stage).forward(batch, stage, input, output);
      input = output;
    }
  }

  /** Runs a batch of one entry. */
  void step(MicroBatch batch, int slot, int position, int flags, int... ids) {
    batch.clear();
    batch.add(slot, position, ids.length, flags);
    MemorySegment.copy(ids, 0, tokens, ValueLayout.JAVA_INT, 0, ids.length);
    step(batch);
  }

  /** A row of the last step's logits. */
  float[] logits(int row) {
    int size = vocabularySize();
    return logits.asSlice(4L * row * size, 4L * size).toArray(ValueLayout.JAVA_FLOAT);
  }

  void release(int slot) {
    shards.forEach(s -> s.release(slot));
  }

  @Override
  public void close() {
    shards.forEach(ModelShard::close);
    arena.close();
  }
}
