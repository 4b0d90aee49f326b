package dev.sluice.model.quantize;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufTensor;

/**
 * What becomes of a tensor.
 *
 * @param tensor the tensor as it is; valid as long as its file is open
 * @param wish the type it should have
 * @param type the type it gets: another one than {@code wish} where its rows are no whole number of
 *     blocks
 */
public record TensorChange(GgufTensor tensor, GgmlType wish, GgmlType type) {
  /** Whether its rows are no whole number of the wished type's blocks. */
  public boolean fallsBack() {
    return wish != type;
  }

  /** Bytes of its data afterwards. */
  public long bytes() {
    return type.bytesFor(tensor.elements());
  }
}
