package dev.sluice.model.training;

import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.lora.LoraAdapter;
import dev.sluice.model.lora.LowRank;
import java.util.ArrayList;
import java.util.List;

/**
 * The model in a checkpoint, without the state of its training: what other programs load. Matrices
 * get the type asked for, or F16 where their rows are not whole blocks of it; vectors stay F32.
 * Adapters are merged into their matrices, or written on their own.
 *
 * <p>What is returned holds its tensors in memory; the checkpoint may be closed before it is
 * written.
 */
public final class ModelExport {
  private static final String STATE_KEYS = "sluice.training.";
  private static final String STATE_TENSORS = "adam.";
  private static final String ALPHA = STATE_KEYS + "lora.alpha";
  private static final String ARCHITECTURE = "general.architecture";

  /** Of the file that adapters were trained beside; the checkpoint's own is by its shape. */
  static final String LORA_ARCHITECTURE = STATE_KEYS + "lora.architecture";

  private static final String A = ".lora_a";
  private static final String B = ".lora_b";

  private ModelExport() {}

  /** Whether models are written with matrices of this type: F32, F16, BF16, Q8_0, Q4_0. */
  public static boolean supports(GgmlType type) {
    return switch (type) {
      case F32, F16, BF16, Q8_0, Q4_0 -> true;
      default -> false;
    };
  }

  /**
   * The model, with adapters merged.
   *
   * @throws ModelFileException if a weight is not finite, or an adapter lacks a half
   * @throws IllegalArgumentException if {@link #supports} denies the type
   */
  public static GgufWriter model(GgufFile checkpoint, GgmlType type) {
    GgufWriter writer = new GgufWriter().metadata(checkpoint.metadata());
    for (String key : checkpoint.metadata().keys()) {
      if (key.startsWith(STATE_KEYS)) {
        writer.remove(key);
      }
    }
    writer.uint32("general.file_type", ModelFiles.fileType(type));
    LoraAdapter adapter =
        LoraAdapter.of(
            checkpoint.path(), architecture(checkpoint), alpha(checkpoint), pairs(checkpoint));
    adapter.check(checkpoint);
    for (GgufTensor tensor : checkpoint.tensors()) {
      String name = tensor.name();
      if (!name.startsWith(STATE_TENSORS) && !name.endsWith(A) && !name.endsWith(B)) {
        float[] values = values(tensor);
        adapter.find(name).ifPresent(pair -> adapter.merge(pair, 1, 0, values, values.length));
        writer.tensor(name, typeOf(tensor, type), values, tensor.dimensions());
      }
    }
    return writer;
  }

  /**
   * The adapters alone.
   *
   * @throws ModelFileException if the checkpoint has none, or one lacks a half
   */
  public static GgufWriter adapter(GgufFile checkpoint) {
    List<LowRank> pairs = pairs(checkpoint);
    if (pairs.isEmpty()) {
      throw new ModelFileException(
          checkpoint.path(), "has no adapters: all weights were trained; export the model");
    }
    String base =
        checkpoint.metadata().findString(LORA_ARCHITECTURE).orElse(architecture(checkpoint));
    return LoraAdapter.writer(base, alpha(checkpoint), pairs);
  }

  private static List<LowRank> pairs(GgufFile checkpoint) {
    List<LowRank> pairs = new ArrayList<>();
    for (GgufTensor a : checkpoint.tensors()) {
      if (a.name().endsWith(A) && !a.name().startsWith(STATE_TENSORS)) {
        String target = a.name().substring(0, a.name().length() - A.length());
        GgufTensor b = checkpoint.tensor(target + B);
        pairs.add(
            new LowRank(
                target,
                Math.toIntExact(a.columns()),
                Math.toIntExact(b.rows()),
                Math.toIntExact(a.rows()),
                values(a),
                values(b)));
      }
    }
    return pairs;
  }

  private static String architecture(GgufFile checkpoint) {
    return checkpoint.metadata().string(ARCHITECTURE);
  }

  private static float alpha(GgufFile checkpoint) {
    return (float) checkpoint.metadata().findReal(ALPHA).orElse(0);
  }

  private static float[] values(GgufTensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    Dequantizer.dequantize(tensor.type(), tensor.data(), 0, values, 0, values.length);
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new ModelFileException(
            tensor.file(),
            tensor.name() + " holds " + value + ": the training diverged; take an earlier one");
      }
    }
    return values;
  }

  private static GgmlType typeOf(GgufTensor tensor, GgmlType wanted) {
    if (tensor.rows() == 1) {
      return GgmlType.F32;
    }
    return tensor.columns() % wanted.blockSize() == 0 ? wanted : GgmlType.F16;
  }
}
