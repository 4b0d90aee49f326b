package dev.sluice.model.reference;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;

/** Loads shards of the reference model. For any thread. */
public final class ReferenceShards {
  private ReferenceShards() {}

  /** As {@link #load(GgufFile, ShardOptions, Precision)}, in double precision. */
  public static ModelShard load(GgufFile file, ShardOptions options) {
    return load(file, options, Precision.F64);
  }

  /**
   * Loads the layers of {@link ShardOptions#range}, all weights dequantized to {@code precision}.
   * The first call in a process starts ND4J, which takes seconds, and a minute where its native
   * libraries have yet to be unpacked.
   *
   * <p>The shard answers as {@link ModelShard} says, but for two things. How a prompt is cut into
   * chunks may show in the last bits, since ND4J's matrix product sums as it likes for each shape;
   * the batch's other members and the slot never show. And the cache holds keys and values in
   * {@code precision} whatever {@link ShardOptions#kvType} says: it rounds nothing.
   *
   * @param file the model; stays open as long as the shard is used, closed by the caller
   * @param options layers and limits
   * @param precision number type of everything
   * @return the shard; the caller closes it
   * @throws dev.sluice.model.gguf.ModelFileException when a tensor is missing or misshapen
   * @throws IllegalArgumentException when the model has no such layers, or would not fit into the
   *     machine's memory
   * @throws IllegalStateException when ND4J does not start on this machine
   */
  public static ModelShard load(GgufFile file, ShardOptions options, Precision precision) {
    Nd4jRuntime.start();
    return new ReferenceShard(file, options, precision);
  }
}
