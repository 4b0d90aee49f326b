package dev.sluice.actors.probe;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The matrices of a type in a model, as far as their speed depends on it.
 *
 * @param type of the weights
 * @param columns of the largest of them: the length of a row
 * @param bytes that all of them take, which tells whether they stay in the processor's cache
 */
public record MatrixKind(GgmlType type, int columns, long bytes) {
  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException for a row that the type cannot have
   */
  public MatrixKind {
    if (columns < 1 || columns % type.blockSize() != 0 || bytes < type.bytesFor(columns)) {
      throw new IllegalArgumentException(
          "no " + type + " matrix: " + columns + " columns, " + bytes + " bytes");
    }
  }

  /** The kinds that a model has, in the order of the types. Reads the header alone. */
  public static List<MatrixKind> of(GgufFile file) {
    Map<GgmlType, GgufTensor> largest = new EnumMap<>(GgmlType.class);
    Map<GgmlType, Long> bytes = new EnumMap<>(GgmlType.class);
    for (GgufTensor tensor : file.tensors()) {
      if (tensor.rows() > 1) {
        largest.merge(tensor.type(), tensor, (a, b) -> a.elements() >= b.elements() ? a : b);
        bytes.merge(tensor.type(), tensor.type().bytesFor(tensor.elements()), Long::sum);
      }
    }
    List<MatrixKind> kinds = new ArrayList<>();
    largest.forEach(
        (type, tensor) ->
            kinds.add(
                new MatrixKind(
                    type,
                    Math.toIntExact(tensor.columns()),
                    bytes.getOrDefault(type, tensor.type().bytesFor(tensor.elements())))));
    return kinds;
  }
}
