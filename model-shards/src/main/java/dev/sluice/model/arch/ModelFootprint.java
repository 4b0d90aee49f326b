package dev.sluice.model.arch;

import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.ModelFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the parts of a model weigh, in bytes and in multiply-adds, from the file's tensor list
 * alone: nothing is loaded. Immutable, for any thread.
 *
 * <p>Multiply-adds are those of the weights, one per weight and token; those of attention grow with
 * the sequence and are given apart, per position looked at.
 */
public final class ModelFootprint {
  private final ModelSpec spec;
  private final long[] layerBytes;
  private final List<Map<GgmlType, Long>> layerMultiplyAdds;
  private final GgmlType headType;
  private final long embeddingBytes;
  private final long headBytes;
  private final long sharedBytes;
  private final long tiedBytes;

  private ModelFootprint(
      ModelSpec spec,
      long[] layerBytes,
      List<Map<GgmlType, Long>> layerMultiplyAdds,
      GgmlType headType,
      long embeddingBytes,
      long headBytes,
      long sharedBytes,
      long tiedBytes) {
    this.spec = spec;
    this.layerBytes = layerBytes;
    this.layerMultiplyAdds = layerMultiplyAdds;
    this.headType = headType;
    this.embeddingBytes = embeddingBytes;
    this.headBytes = headBytes;
    this.sharedBytes = sharedBytes;
    this.tiedBytes = tiedBytes;
  }

  /**
   * Weighs a model.
   *
   * @throws ModelFileException where {@link ModelSpec#of} does, for a file without tensors, and for
   *     a missing embedding or a layer without tensors
   */
  public static ModelFootprint of(GgufFile file) {
    ModelSpec spec = ModelSpec.of(file);
    if (spec.vocabularyOnly()) {
      throw new ModelFileException(file.path(), "holds a vocabulary and no tensor");
    }
    long[] bytes = new long[spec.layers()];
    List<Map<GgmlType, Long>> multiplyAdds = new ArrayList<>();
    for (int layer = 0; layer < bytes.length; layer++) {
      multiplyAdds.add(new EnumMap<>(GgmlType.class));
    }
    long shared = 0;
    for (GgufTensor tensor : file.tensors()) {
      int layer = layerOf(tensor.name());
      if (layer >= 0 && layer < spec.layers()) {
        bytes[layer] += bytes(tensor);
        if (tensor.rows() > 1) {
          multiplyAdds.get(layer).merge(tensor.type(), tensor.elements(), Long::sum);
        }
      } else if (tensor.name().startsWith("rope_")) {
        shared += bytes(tensor);
      }
    }
    for (int layer = 0; layer < bytes.length; layer++) {
      if (multiplyAdds.get(layer).isEmpty()) {
        throw new ModelFileException(
            file.path(),
            "holds no weights of layer "
                + layer
                + " of "
                + bytes.length
                + ", no tensor "
                + TensorNames.layerPrefix(layer)
                + "*");
      }
    }
    Optional<GgufTensor> output = file.find(TensorNames.weight(TensorNames.OUTPUT));
    GgufTensor embedding = file.tensor(TensorNames.TOKEN_EMBEDDING);
    return new ModelFootprint(
        spec,
        bytes,
        multiplyAdds.stream().map(Collections::unmodifiableMap).toList(),
        output.orElse(embedding).type(),
        bytes(embedding) + bytes(file, TensorNames.POSITION_EMBEDDING),
        bytes(output.orElse(embedding))
            + bytes(file, TensorNames.bias(TensorNames.OUTPUT))
            + bytes(file, TensorNames.weight(TensorNames.OUTPUT_NORM))
            + bytes(file, TensorNames.bias(TensorNames.OUTPUT_NORM)),
        shared,
        output.isPresent() ? 0 : bytes(embedding));
  }

  /** The model's shape. */
  public ModelSpec spec() {
    return spec;
  }

  /** The number of layers. */
  public int layers() {
    return layerBytes.length;
  }

  /** Bytes of the weights of one layer. */
  public long layerBytes(int layer) {
    return layerBytes[layer];
  }

  /** Bytes of the embedding of tokens, and of positions where the model has one. */
  public long embeddingBytes() {
    return embeddingBytes;
  }

  /** Bytes of the final norm and the output matrix; of the embedding matrix where it is tied. */
  public long headBytes() {
    return headBytes;
  }

  /** Bytes of the small tables that every shard needs. */
  public long sharedBytes() {
    return sharedBytes;
  }

  /** Whether the output matrix is the embedding's. */
  public boolean tiedHead() {
    return tiedBytes > 0;
  }

  /**
   * Bytes of weights of a shard with the layers {@code first} until {@code end}: with the embedding
   * if it has the first layer, with the head if it has the last; a tied matrix counts once.
   */
  public long weightBytes(int first, int end) {
    long sum = Arrays.stream(layerBytes, first, end).sum() + sharedBytes;
    boolean isFirst = first == 0;
    boolean isLast = end == layers();
    if (isFirst) {
      sum += embeddingBytes;
    }
    if (isLast) {
      sum += headBytes;
    }
    return isFirst && isLast ? sum - tiedBytes : sum;
  }

  /** Bytes of keys and values of one position in one layer. */
  public long kvBytesPerToken(KvType type) {
    return (long) type.bytes() * (spec.keysLength() + spec.valuesLength());
  }

  /** Multiply-adds of one token with the weights of one layer. */
  public long layerMultiplyAdds(int layer) {
    return layerMultiplyAdds.get(layer).values().stream().mapToLong(n -> n).sum();
  }

  /** The same by the type of the weights, since each type has a speed of its own. */
  public Map<GgmlType, Long> typedMultiplyAdds(int layer) {
    return layerMultiplyAdds.get(layer);
  }

  /** Multiply-adds of one token with the output matrix. */
  public long headMultiplyAdds() {
    return (long) spec.vocabularySize() * spec.embeddingLength();
  }

  /** The type of the output matrix's weights. */
  public GgmlType headType() {
    return headType;
  }

  /** Bytes that a shard works in for each row of a pass, whatever its layers. */
  public long workBytesPerRow() {
    long stream = 3L * spec.embeddingLength();
    long attention =
        spec.queryLength()
            + spec.keysLength()
            + spec.valuesLength()
            + (long) spec.heads() * spec.valueLength();
    long hidden = (spec.gated() ? 2L : 1L) * spec.feedForwardLength();
    return Float.BYTES * (stream + attention + hidden);
  }

  /** Multiply-adds of attention in one layer, of one token with each position that it looks at. */
  public long attentionMultiplyAdds() {
    return (long) spec.heads() * (spec.keyLength() + spec.valueLength());
  }

  /** The layer that a tensor belongs to, by its name; -1 where it belongs to none. */
  static int layerOf(String name) {
    int dot = name.indexOf('.', 4);
    if (!name.startsWith("blk.") || dot < 5 || dot > 10) {
      return -1;
    }
    String digits = name.substring(4, dot);
    return digits.chars().allMatch(c -> c >= '0' && c <= '9') ? Integer.parseInt(digits) : -1;
  }

  private static long bytes(GgufFile file, String name) {
    return file.find(name).map(ModelFootprint::bytes).orElse(0L);
  }

  private static long bytes(GgufTensor tensor) {
    return tensor.type().bytesFor(tensor.elements());
  }
}
