package dev.sluice.model.training;

import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;

/**
 * The model in a checkpoint, without the state of its training: what other programs load. Matrices
 * get the type asked for, or F16 where their rows are not whole blocks of it; vectors stay F32.
 */
public final class ModelExport {
  private static final String STATE_KEYS = "sluice.training.";
  private static final String STATE_TENSORS = "adam.";
  private static final String FILE_TYPE = "general.file_type";

  private ModelExport() {}

  /** Whether models are written with matrices of this type. */
  public static boolean supports(GgmlType type) {
    return fileType(type) >= 0;
  }

  /**
   * The model as a file to be written. Holds all of it in memory; {@code checkpoint} may be closed
   * afterwards.
   *
   * @throws ModelFileException if a weight of the checkpoint is not finite
   * @throws IllegalArgumentException if {@link #supports} denies the type
   */
  public static GgufWriter model(GgufFile checkpoint, GgmlType type) {
    if (!supports(type)) {
      throw new IllegalArgumentException("models are not written in " + type);
    }
    GgufWriter writer = new GgufWriter().metadata(checkpoint.metadata());
    for (String key : checkpoint.metadata().keys()) {
      if (key.startsWith(STATE_KEYS)) {
        writer.remove(key);
      }
    }
    writer.uint32(FILE_TYPE, fileType(type));
    for (GgufTensor tensor : checkpoint.tensors()) {
      if (!tensor.name().startsWith(STATE_TENSORS)) {
        add(writer, tensor, type);
      }
    }
    return writer;
  }

  private static void add(GgufWriter writer, GgufTensor tensor, GgmlType wanted) {
    int count = Math.toIntExact(tensor.elements());
    float[] values = new float[count];
    Dequantizer.dequantize(tensor.type(), tensor.data(), 0, values, 0, count);
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new ModelFileException(
            tensor.file(),
            tensor.name()
                + " holds "
                + value
                + ": the training diverged; go back to an earlier one");
      }
    }
    writer.tensor(tensor.name(), typeOf(tensor, wanted), values, tensor.dimensions());
  }

  private static GgmlType typeOf(GgufTensor tensor, GgmlType wanted) {
    if (tensor.rows() == 1) {
      return GgmlType.F32;
    }
    return tensor.columns() % wanted.blockSize() == 0 ? wanted : GgmlType.F16;
  }

  /** The number that GGUF gives a file of mostly this type; -1: none that is written. */
  private static int fileType(GgmlType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q8_0 -> 7;
      default -> -1;
    };
  }
}
