package dev.sluice.model.shard;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.arch.Transformer;
import dev.sluice.model.cache.KvCache;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.kernel.KvLayout;
import dev.sluice.model.kernel.WorkerPool;

/** Loads shards that compute with the project's own kernels. */
public final class ModelShards {
  private ModelShards() {}

  /**
   * Loads a range of layers. Weights stay where the file is mapped; only the shard's own tensors
   * are touched.
   *
   * @param file open as long as the shard is used; not closed by it
   * @param pool helps the thread that runs the shard; not closed by it
   * @throws ModelFileException for a file without weights, or with a missing or misshapen tensor,
   *     or an adapter that does not fit
   * @throws IllegalArgumentException for a range that the model has not
   * @throws IllegalStateException when there is too little memory for the KV cache
   */
  public static ModelShard load(GgufFile file, ShardOptions options, WorkerPool pool) {
    ModelSpec spec = ModelSpec.of(file);
    if (spec.vocabularyOnly()) {
      throw new ModelFileException(
          file.path(), "holds a vocabulary and no weights: it can tokenize, not generate");
    }
    LayerRange range = options.range();
    if (range.size() == 0 || range.end() > spec.layers()) {
      throw new IllegalArgumentException(
          "layers " + range + " of a model with " + spec.layers() + " layers");
    }
    options.adapters().forEach(scaled -> scaled.adapter().checkRunnable(file));
    int context = Math.min(spec.contextLength(), options.contextTokens());
    KvLayout layout =
        new KvLayout(
            options.pageTokens(),
            spec.kvHeads(),
            spec.keyLength(),
            spec.valueLength(),
            options.kvType() == KvType.F16);
    int pages = Math.ceilDiv(options.kvTokens(), options.pageTokens());
    KvCache cache = new KvCache(layout, range.size(), pages, options.maxSequences());
    try {
      Transformer transformer =
          Transformer.load(
              file,
              spec,
              range.first(),
              range.end(),
              layout,
              cache,
              options.maxRows(),
              context,
              options.adapters(),
              pool);
      return new VectorShard(spec, options, context, transformer, cache);
    } catch (RuntimeException | Error e) {
      cache.close();
      throw e;
    }
  }
}
