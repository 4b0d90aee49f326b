package dev.sluice.model.arch;

import dev.sluice.model.kernel.Norms;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** The norm part: of whole rows, in one of the two kinds. */
record Norm(
    NormKind kind, MemorySegment weight, @Nullable MemorySegment bias, float epsilon, int length) {

  static Norm load(TensorLoader tensors, String name, ModelSpec spec) {
    int length = spec.embeddingLength();
    MemorySegment weight = tensors.segment(TensorNames.weight(name), length);
    MemorySegment bias =
        spec.norm() == NormKind.LAYER ? tensors.segment(TensorNames.bias(name), length) : null;
    return new Norm(spec.norm(), weight, bias, spec.normEpsilon(), length);
  }

  /** {@code y = norm(x)}; {@code y} may be {@code x}. Offsets in floats. */
  void apply(MemorySegment x, long xOffset, MemorySegment y, long yOffset) {
    switch (kind) {
      case RMS -> Norms.rmsNorm(x, xOffset, weight, epsilon, y, yOffset, length);
      case LAYER -> Norms.layerNorm(x, xOffset, weight, bias, epsilon, y, yOffset, length);
    }
  }
}
