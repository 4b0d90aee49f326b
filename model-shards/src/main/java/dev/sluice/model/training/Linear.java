package dev.sluice.model.training;

import dev.sluice.model.kernel.MatrixView;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = W x}, with a low-rank adaptation {@code + scale B (A x)} where there is one (Hu et
 * al., 2021).
 */
final class Linear {
  private final Compute compute;
  private final Parameter weight;
  private final @Nullable Adapter adapter;

  /** A low-rank pair and room for {@code A x} and its gradient. */
  private record Adapter(
      Parameter a, Parameter b, double scale, MemorySegment inner, MemorySegment innerGradient) {}

  private Linear(Compute compute, Parameter weight, @Nullable Adapter adapter) {
    this.compute = compute;
    this.weight = weight;
    this.adapter = adapter;
  }

  /** A layer whose weights learn. */
  static Linear of(Compute compute, String name, int outputs, int inputs) {
    return new Linear(
        compute,
        Parameter.of(compute.numerics(), compute.arena(), name, outputs, inputs, true),
        null);
  }

  /** A frozen layer, and an adapter that learns if {@code rank} is not 0. */
  static Linear adapted(
      Compute compute, String name, int outputs, int inputs, int rank, float alpha, int batch) {
    Numerics numerics = compute.numerics();
    Parameter weight = Parameter.of(numerics, compute.arena(), name, outputs, inputs, false);
    if (rank == 0) {
      return new Linear(compute, weight, null);
    }
    Parameter a = Parameter.of(numerics, compute.arena(), name + ".lora_a", rank, inputs, true);
    Parameter b = Parameter.of(numerics, compute.arena(), name + ".lora_b", outputs, rank, true);
    long inner = (long) batch * rank;
    return new Linear(
        compute,
        weight,
        new Adapter(a, b, (double) alpha / rank, compute.allocate(inner), compute.allocate(inner)));
  }

  void collect(List<Parameter> parameters) {
    parameters.add(weight);
    if (adapter != null) {
      parameters.add(adapter.a);
      parameters.add(adapter.b);
    }
  }

  /** {@code y (+)= W x} for {@code rows} rows. */
  void forward(MemorySegment x, MemorySegment y, int rows, boolean accumulate) {
    MatrixView input = MatrixView.of(x, rows, weight.columns());
    MatrixView output = MatrixView.of(y, rows, weight.rows());
    Numerics numerics = compute.numerics();
    numerics.product(compute.pool(), input, weight.values().transposed(), output, accumulate);
    if (adapter != null) {
      int rank = adapter.a.rows();
      MatrixView inner = MatrixView.of(adapter.inner, rows, rank);
      numerics.product(compute.pool(), input, adapter.a.values().transposed(), inner, false);
      scale(adapter.inner, rows, rank, adapter.scale);
      numerics.product(compute.pool(), inner, adapter.b.values().transposed(), output, true);
    }
  }

  /** {@code dx (+)= Wᵀ dy}. */
  void inputGradient(MemorySegment dy, MemorySegment dx, int rows, boolean accumulate) {
    MatrixView given = MatrixView.of(dy, rows, weight.rows());
    MatrixView result = MatrixView.of(dx, rows, weight.columns());
    Numerics numerics = compute.numerics();
    numerics.product(compute.pool(), given, weight.values(), result, accumulate);
    if (adapter != null) {
      int rank = adapter.a.rows();
      MatrixView gradient = MatrixView.of(adapter.innerGradient, rows, rank);
      numerics.product(compute.pool(), given, adapter.b.values(), gradient, false);
      scale(adapter.innerGradient, rows, rank, adapter.scale);
      numerics.product(compute.pool(), gradient, adapter.a.values(), result, true);
    }
  }

  /** Adds to the gradients of what learns; for rows that went through {@link #inputGradient}. */
  void weightGradient(MemorySegment x, MemorySegment dy, int rows) {
    MatrixView input = MatrixView.of(x, rows, weight.columns());
    MatrixView given = MatrixView.of(dy, rows, weight.rows());
    Numerics numerics = compute.numerics();
    if (weight.learns()) {
      numerics.product(compute.pool(), given.transposed(), input, weight.gradients(), true);
    }
    if (adapter != null) {
      MatrixView inner = MatrixView.of(adapter.inner, rows, adapter.a.rows());
      MatrixView gradient = MatrixView.of(adapter.innerGradient, rows, adapter.a.rows());
      numerics.product(compute.pool(), given.transposed(), inner, adapter.b.gradients(), true);
      numerics.product(compute.pool(), gradient.transposed(), input, adapter.a.gradients(), true);
    }
  }

  /** {@link #inputGradient} and {@link #weightGradient}. */
  void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, int rows, boolean accumulate) {
    inputGradient(dy, dx, rows, accumulate);
    weightGradient(x, dy, rows);
  }

  private void scale(MemorySegment x, int rows, int columns, double factor) {
    compute.rows(
        rows,
        (from, count) ->
            compute.numerics().scale(x, (long) from * columns, count * columns, factor));
  }
}
