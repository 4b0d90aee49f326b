package dev.sluice.model.arch;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.kernel.Rope;
import org.jspecify.annotations.Nullable;

/**
 * The rotary tables of a model: one for layers without a window, one for layers with; the same one
 * where nothing tells them apart. Both null where positions enter otherwise.
 */
record Ropes(@Nullable Rope global, @Nullable Rope sliding) {

  static Ropes load(GgufFile file, TensorLoader tensors, ModelSpec spec, int contextTokens) {
    if (!(spec.position() instanceof PositionEncoding.Rope rope)) {
      return new Ropes(null, null);
    }
    float @Nullable [] factors = factors(file, tensors, spec, rope, contextTokens);
    Rope global = build(rope, rope.base(), rope.scaling(), factors, contextTokens);
    boolean same = rope.slidingScaled() && rope.slidingBase() == rope.base();
    Rope sliding =
        same
            ? global
            : build(
                rope,
                rope.slidingBase(),
                rope.slidingScaled() ? rope.scaling() : new RopeScaling.None(),
                rope.slidingScaled() ? factors : null,
                contextTokens);
    return new Ropes(global, sliding);
  }

  /** The table of a layer. */
  @Nullable Rope of(ModelSpec spec, int layer) {
    return spec.slides(layer) ? sliding : global;
  }

  private static float @Nullable [] factors(
      GgufFile file,
      TensorLoader tensors,
      ModelSpec spec,
      PositionEncoding.Rope rope,
      int contextTokens) {
    String name =
        !(rope.scaling() instanceof RopeScaling.LongRope)
            ? TensorNames.ROPE_FREQUENCIES
            : spec.longFactors(contextTokens)
                ? TensorNames.ROPE_FACTORS_LONG
                : TensorNames.ROPE_FACTORS_SHORT;
    if (name.equals(TensorNames.ROPE_FREQUENCIES) && !tensors.has(name)) {
      return null;
    }
    float[] factors = tensors.vector(name, rope.dimensions() / 2);
    for (float factor : factors) {
      if (!(factor > 0 && factor <= Float.MAX_VALUE)) {
        throw new ModelFileException(
            file.path(), "tensor " + name + " holds " + factor + ", not a positive number");
      }
    }
    return factors;
  }

  private static Rope build(
      PositionEncoding.Rope rope,
      double base,
      RopeScaling scaling,
      float @Nullable [] factors,
      int positions) {
    Rope.Builder builder =
        Rope.builder(rope.dimensions(), base, positions).halves(rope.style() == RopeStyle.NEOX);
    if (factors != null) {
      builder.frequencyFactors(factors);
    }
    switch (scaling) {
      case RopeScaling.None() -> {}
      case RopeScaling.Linear(double factor) -> builder.linear(factor);
      case RopeScaling.LongRope(_, double attnFactor) -> builder.attentionFactor(attnFactor);
      case RopeScaling.Yarn yarn ->
          builder
              .yarn(
                  yarn.factor(),
                  yarn.originalContext(),
                  yarn.extFactor(),
                  yarn.betaFast(),
                  yarn.betaSlow())
              .attentionFactor(yarn.attnFactor());
    }
    return builder.build();
  }
}
