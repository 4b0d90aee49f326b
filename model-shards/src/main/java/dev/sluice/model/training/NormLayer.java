package dev.sluice.model.training;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Root mean square norm (Zhang and Sennrich, 2019). */
final class NormLayer {
  private final Compute compute;
  private final Parameter weight;
  private final double epsilon;
  private final int width;
  private final MemorySegment inverse;

  NormLayer(Compute compute, String name, int width, double epsilon, int batch, boolean learns) {
    this.compute = compute;
    this.width = width;
    this.epsilon = epsilon;
    weight = Parameter.of(compute.numerics(), compute.arena(), name, 1, width, learns);
    inverse = compute.allocate(batch);
  }

  void collect(List<Parameter> parameters) {
    parameters.add(weight);
  }

  void forward(MemorySegment x, MemorySegment y, int rows) {
    Numerics numerics = compute.numerics();
    compute.rows(
        rows,
        (from, count) -> {
          for (int row = from; row < from + count; row++) {
            numerics.norm(x, weight.value(), epsilon, y, inverse, row, width);
          }
        });
  }

  /** Adds to {@code dx}, and to the gradient of the weights. */
  void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, int rows) {
    Numerics numerics = compute.numerics();
    compute.rows(
        rows,
        (from, count) -> {
          for (int row = from; row < from + count; row++) {
            numerics.normBackward(x, weight.value(), inverse, dy, dx, row, width);
          }
        });
    if (weight.learns()) {
      compute.columns(
          width,
          (from, count) ->
              numerics.normWeightBackward(
                  x, inverse, dy, rows, width, weight.gradient(), from, count));
    }
  }
}
