package dev.sluice.model.reference;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Shards of one model, one behind the other: what a pipeline does, without a pipeline. */
final class ShardChain implements AutoCloseable {
  static final int SLOTS = 4;
  static final int MAX_ROWS = 160;

  private final List<ModelShard> shards = new ArrayList<>();
  private final ModelSpec spec;

  /** Loads {@code stages} about equal ranges. */
  ShardChain(GgufFile file, int stages, Loader loader) {
    spec = ModelSpec.of(file);
    for (int stage = 0; stage < stages; stage++) {
      LayerRange range =
          new LayerRange(stage * spec.layers() / stages, (stage + 1) * spec.layers() / stages);
      shards.add(
          loader.load(file, new ShardOptions(range, KvType.F32, 1024, SLOTS, MAX_ROWS, MAX_ROWS)));
    }
  }

  interface Loader {
    ModelShard load(GgufFile file, ShardOptions options);
  }

  static ShardChain reference(GgufFile file, int stages) {
    return new ShardChain(file, stages, ReferenceShards::load);
  }

  ModelShard shard(int stage) {
    return shards.get(stage);
  }

  /** Logits of all positions of {@code tokens}, the next ones of {@code slot}. */
  double[][] next(int slot, int position, int... tokens) {
    MicroBatch batch = new MicroBatch(1);
    batch.add(slot, position, tokens.length, MicroBatch.ALL_LOGITS);
    double[][] logits = run(batch, tokens);
    if (batch.failed(0)) {
      throw new AssertionError("failed: " + batch.failure(0));
    }
    return logits;
  }

  /** Runs a batch through all shards: its rows of logits. */
  double[][] run(MicroBatch batch, int... tokens) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment input = arena.allocateFrom(ValueLayout.JAVA_INT, tokens);
      for (int stage = 0; stage < shards.size(); stage++) {
        ModelShard shard = shards.get(stage);
        long floats =
            shard.isLast()
                ? (long) batch.logitRows() * spec.vocabularySize()
                : (long) batch.rows() * spec.embeddingLength();
        MemorySegment output = arena.allocate(ValueLayout.JAVA_FLOAT, floats);
        shard.reserve(batch, stage);
        shard.forward(batch, stage, input, output);
        input = output;
      }
      double[][] logits = new double[batch.logitRows()][spec.vocabularySize()];
      long at = 0;
      for (double[] row : logits) {
        for (int i = 0; i < row.length; i++) {
          row[i] = input.getAtIndex(ValueLayout.JAVA_FLOAT, at++);
        }
      }
      return logits;
    }
  }

  void release(int slot) {
    shards.forEach(shard -> shard.release(slot));
  }

  static int argMax(double[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  static double logSumExp(double[] logits) {
    double max = logits[argMax(logits)];
    double sum = 0;
    for (double logit : logits) {
      sum += Math.exp(logit - max);
    }
    return max + Math.log(sum);
  }

  @Override
  public void close() {
    shards.forEach(ModelShard::close);
  }
}
