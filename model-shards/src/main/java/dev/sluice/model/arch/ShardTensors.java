package dev.sluice.model.arch;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import java.util.List;

/** Which of a model's tensors a shard needs. */
public final class ShardTensors {
  private ShardTensors() {}

  /**
   * The tensors of the layers {@code first} until {@code end}; the embedding with the first layer,
   * the head with the last one (a tied head is the embedding's matrix), and tables that belong to
   * no layer always. Data need not be there.
   */
  public static List<GgufTensor> of(GgufFile file, int first, int end) {
    boolean hasFirst = first == 0;
    boolean hasLast = end == ModelSpec.of(file).layers();
    boolean tied = file.find(TensorNames.weight(TensorNames.OUTPUT)).isEmpty();
    return file.tensors().stream()
        .filter(
            tensor -> {
              String name = tensor.name();
              int layer = ModelFootprint.layerOf(name);
              if (layer >= 0) {
                return layer >= first && layer < end;
              }
              if (name.equals(TensorNames.TOKEN_EMBEDDING)) {
                return hasFirst || (hasLast && tied);
              }
              if (name.equals(TensorNames.POSITION_EMBEDDING)) {
                return hasFirst;
              }
              return !name.startsWith(TensorNames.OUTPUT) || hasLast;
            })
        .toList();
  }
}
