package dev.sluice.model.quantize;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.Quantizer;
import java.util.List;
import java.util.function.Predicate;

/**
 * Which type a tensor gets, by the conventions of llama.cpp's quantizer, so that other engines find
 * what they expect: vectors become F32; matrices of weights get the wanted type; the output matrix
 * (the embedding's where it is tied) gets Q6_K where the wanted type has fewer bits, since every
 * logit hangs on it; where rows are no whole number of blocks, the nearest type that fits.
 */
final class TypeChoice {
  private static final String EMBEDDING = "token_embd.weight";
  private static final String OUTPUT = "output.weight";

  /** Matrices that are small, looked up, or fed to other operations than products. */
  private static final List<String> LEFT_ALONE =
      List.of("_norm.weight", "position_embd.weight", "token_types.weight", "ffn_gate_inp.weight");

  private final GgmlType wanted;
  private final String head;
  private final Predicate<String> keep;

  /**
   * A choice for a model.
   *
   * @param keep names of tensors that keep their type
   * @throws IllegalArgumentException if nothing can be quantized to {@code wanted}
   */
  TypeChoice(GgufFile model, GgmlType wanted, Predicate<String> keep) {
    if (!Quantizer.supports(wanted)) {
      throw new IllegalArgumentException("quantizing to " + wanted + " is not supported");
    }
    this.wanted = wanted;
    this.keep = keep;
    head = model.find(OUTPUT).isPresent() ? OUTPUT : EMBEDDING;
  }

  /** What was wished for the tensor, before its shape is looked at. */
  GgmlType wish(GgufTensor tensor) {
    if (keep.test(tensor.name())) {
      return tensor.type();
    }
    if (tensor.dimensions().length < 2) {
      return GgmlType.F32;
    }
    if (!tensor.name().endsWith(".weight")
        || LEFT_ALONE.stream().anyMatch(tensor.name()::endsWith)) {
      return tensor.type();
    }
    return tensor.name().equals(head) ? forHead() : wanted;
  }

  private GgmlType forHead() {
    return switch (wanted) {
      case Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q2_K, Q3_K, IQ4_NL, IQ4_XS -> GgmlType.Q6_K;
      case F32, F16, BF16, Q8_0, Q6_K -> wanted;
    };
  }

  /** The wish, or the nearest type whose blocks fill a row. */
  static GgmlType fitting(GgmlType wish, GgufTensor tensor) {
    if (tensor.columns() % wish.blockSize() == 0) {
      return wish;
    }
    GgmlType smaller =
        switch (wish) {
          case Q4_K, IQ4_XS, Q3_K, Q2_K -> GgmlType.Q5_0;
          case Q5_K -> GgmlType.Q5_1;
          case Q6_K -> GgmlType.Q8_0;
          case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL -> GgmlType.F16;
        };
    return fitting(smaller, tensor);
  }

  /** The number that {@code general.file_type} has for files mostly of a type. */
  static int fileType(GgmlType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q4_1 -> 3;
      case Q8_0 -> 7;
      case Q5_0 -> 8;
      case Q5_1 -> 9;
      case Q4_K -> 14;
      case Q5_K -> 16;
      case Q6_K -> 18;
      case BF16 -> 32;
      case Q2_K, Q3_K, IQ4_NL, IQ4_XS ->
          throw new IllegalArgumentException("nothing is quantized to " + type);
    };
  }
}
