package dev.sluice.actors.placement;

import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.shard.LayerRange;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * What the parts of a model weigh and cost: the input of the placement, without the model.
 *
 * @param layerBytes weights of each layer
 * @param layerWork multiply-adds of one token in each layer, by the weights' type
 * @param layerKvBytes keys and values of one position in each layer
 * @param embeddingBytes weights of the embedding
 * @param embeddingReadBytes bytes of the embedding that one token reads: a row
 * @param headBytes weights of the final norm and of the output head, read once for each token;
 *     where the head is tied to the embedding, the embedding's
 * @param headWork multiply-adds of the output head for one token
 * @param headType the type of the head's weights
 * @param sharedBytes weights that every stage needs
 * @param tiedBytes weights that the embedding and the output head share, 0 where they are two: one
 *     stage that has both holds them once
 * @param embeddingLength length of a row of activations
 * @param vocabularySize length of a row of logits
 * @param workBytesPerRow what a stage works in for each row of a micro-batch
 */
@SuppressWarnings("ArrayRecordComponent") // within this package, never changed or compared
record ModelCosts(
    long[] layerBytes,
    List<Map<GgmlType, Long>> layerWork,
    long[] layerKvBytes,
    long embeddingBytes,
    long embeddingReadBytes,
    long headBytes,
    long headWork,
    GgmlType headType,
    long sharedBytes,
    long tiedBytes,
    int embeddingLength,
    int vocabularySize,
    long workBytesPerRow) {
  /** Logits that are being sampled while the next ones are computed. */
  private static final int LOGIT_BUFFERS = 2;

  private static final double SCALE = 1L << 40;

  /** A model whose weights are all of type F32. */
  ModelCosts(
      long[] layerBytes,
      long[] layerWork,
      long[] layerKvBytes,
      long embeddingBytes,
      long embeddingReadBytes,
      long headBytes,
      long headWork,
      long sharedBytes,
      long tiedBytes,
      int embeddingLength,
      int vocabularySize) {
    this(
        layerBytes,
        LongStream.of(layerWork).mapToObj(n -> Map.of(GgmlType.F32, n)).toList(),
        layerKvBytes,
        embeddingBytes,
        embeddingReadBytes,
        headBytes,
        headWork,
        GgmlType.F32,
        sharedBytes,
        tiedBytes,
        embeddingLength,
        vocabularySize,
        0);
  }

  static ModelCosts of(ModelFootprint model, MemoryNeeds needs) {
    int layers = model.layers();
    long[] bytes = new long[layers];
    long[] kv = new long[layers];
    for (int i = 0; i < layers; i++) {
      bytes[i] = model.layerBytes(i);
      kv[i] = model.kvBytesPerToken(needs.kvType()) * (needs.kvReplica() ? 2 : 1);
    }
    long apart =
        model.embeddingBytes()
            + model.headBytes()
            + model.sharedBytes()
            + Arrays.stream(bytes).sum();
    int vocabulary = Math.max(1, model.spec().vocabularySize());
    return new ModelCosts(
        bytes,
        IntStream.range(0, layers).mapToObj(model::typedMultiplyAdds).toList(),
        kv,
        model.embeddingBytes(),
        model.embeddingBytes() / vocabulary,
        model.headBytes(),
        model.headMultiplyAdds(),
        model.headType(),
        model.sharedBytes(),
        apart - model.weightBytes(0, layers),
        model.spec().embeddingLength(),
        model.spec().vocabularySize(),
        model.workBytesPerRow());
  }

  private long layerWork(int layer) {
    return layerWork.get(layer).values().stream().mapToLong(n -> n).sum();
  }

  private long allLayerWork() {
    return IntStream.range(0, layers()).mapToLong(this::layerWork).sum();
  }

  int layers() {
    return layerBytes.length;
  }

  long weightBytes(int first, int end) {
    long bytes = sum(layerBytes, first, end) + sharedBytes;
    boolean embedding = first == 0;
    boolean head = end == layers();
    if (embedding) {
      bytes += embeddingBytes;
    }
    if (head) {
      bytes += headBytes;
    }
    return embedding && head ? bytes - tiedBytes : bytes;
  }

  long kvBytesPerToken(int first, int end) {
    return sum(layerKvBytes, first, end);
  }

  /**
   * Bytes of a stage's buffers: activations in, at work and out, and what it keeps of these; or,
   * where it has the head, logits.
   */
  long bufferBytes(MemoryNeeds needs, boolean head) {
    long row = (long) embeddingLength * Float.BYTES;
    long bytes = needs.maxRows() * (2 * row + workBytesPerRow);
    return head
        ? bytes + (long) LOGIT_BUFFERS * needs.maxLogitRows() * vocabularySize * Float.BYTES
        : bytes + needs.logBytes();
  }

  /** What a stage with these layers holds. */
  StagePlan stagePlan(MemoryNeeds needs, int stage, int first, int end, double costShare) {
    boolean head = end == layers();
    long kvPerToken = kvBytesPerToken(first, end);
    return new StagePlan(
        stage,
        new LayerRange(first, end),
        first == 0 || (head && tiedBytes > 0),
        head,
        weightBytes(first, end),
        kvPerToken,
        Math.multiplyExact(kvPerToken, needs.kvTokens()),
        bufferBytes(needs, head),
        costShare);
  }

  /**
   * The cost of every layer in units of 2^-40 of the model, the embedding's added to the first and
   * the head's to the last: half by multiply-adds, which bound prompts, half by bytes of weights
   * read, which bound decoding.
   */
  long[] relativeCosts() {
    int n = layers();
    double allWork = (double) allLayerWork() + headWork;
    double allBytes = (double) sum(layerBytes, 0, n) + headBytes + embeddingReadBytes;
    long[] costs = new long[n];
    for (int i = 0; i < n; i++) {
      double work = layerWork(i);
      double bytes = layerBytes[i];
      if (i == 0) {
        bytes += embeddingReadBytes;
      }
      if (i == n - 1) {
        work += headWork;
        bytes += headBytes;
      }
      double share = (allWork == 0 ? 0 : work / allWork) + (allBytes == 0 ? 0 : bytes / allBytes);
      costs[i] = Math.round(share / 2 * SCALE);
    }
    return costs;
  }

  /** The output head's share of the whole cost, 0..1. */
  double headShare() {
    double allWork = (double) allLayerWork() + headWork;
    double allBytes = (double) sum(layerBytes, 0, layers()) + headBytes + embeddingReadBytes;
    return ((allWork == 0 ? 0 : headWork / allWork) + (allBytes == 0 ? 0 : headBytes / allBytes))
        / 2;
  }

  private static long sum(long[] values, int first, int end) {
    return Arrays.stream(values, first, end).sum();
  }
}
