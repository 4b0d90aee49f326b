package dev.sluice.model.reference;

import dev.sluice.model.arch.ModelSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.blas.params.MMulTranspose;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce.Mmul;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The formulas, over arrays of one number type. Rows are {@code [n x length]}. Every result is a
 * new array that belongs to the caller, unless a method says that it works in place.
 */
final class Algebra {
  private final Precision precision;
  private final DataType type;

  Algebra(Precision precision) {
    this.precision = precision;
    this.type =
        switch (precision) {
          case F32 -> DataType.FLOAT;
          case F64 -> DataType.DOUBLE;
        };
  }

  /** An array in C order with whatever was in memory. */
  INDArray array(long... shape) {
    return Nd4j.createUninitialized(type, shape, 'c');
  }

  /** The numbers of an array that has memory of its own, in the order in which they lie there. */
  @SuppressWarnings("restricted") // ND4J gives an address; the array is exactly this long
  MemorySegment memory(INDArray array) {
    return MemorySegment.ofAddress(array.data().address())
        .reinterpret(array.length() * precision.bytes());
  }

  /** Sets number {@code i} of {@link #memory}. */
  void set(MemorySegment memory, long i, double value) {
    switch (precision) {
      case F32 -> memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value);
      case F64 -> memory.setAtIndex(ValueLayout.JAVA_DOUBLE, i, value);
    }
  }

  /** Number {@code i} of {@link #memory}. */
  double get(MemorySegment memory, long i) {
    return switch (precision) {
      case F32 -> memory.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      case F64 -> memory.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
    };
  }

  /** {@code x W^T + b}, {@code [n x outputs]}. */
  INDArray linear(INDArray x, Linear linear) {
    INDArray y = timesTransposed(x, linear.weights());
    if (linear.bias() != null) {
      y.addiRowVector(linear.bias());
    }
    return y;
  }

  /** {@code a b^T}: dot products of the rows of both, {@code [rows of a x rows of b]}. */
  INDArray timesTransposed(INDArray a, INDArray b) {
    return product(a, b, array(a.size(0), b.size(0)), true);
  }

  /** {@code a b}, {@code [rows of a x columns of b]}. */
  INDArray times(INDArray a, INDArray b) {
    return product(a, b, array(a.size(0), b.size(1)), false);
  }

  // The plain a.mmul(b) computes in Fortran order and leaves its copy to the garbage collector.
  private static INDArray product(INDArray a, INDArray b, INDArray into, boolean transposed) {
    Nd4j.exec(new Mmul(a, b, into, MMulTranspose.builder().transposeB(transposed).build()));
    return into;
  }

  /** {@code x / sqrt(mean(x^2) + eps) * weight}, row by row (Zhang and Sennrich, 2019). */
  private INDArray rmsNorm(INDArray x, INDArray weight, double epsilon) {
    try (Scope scope = new Scope()) {
      INDArray squares = scope.own(x.mul(x));
      INDArray root = rootOf(scope.own(squares.mean(true, 1)), epsilon);
      return x.div(root).muliRowVector(weight);
    }
  }

  /** {@code (x - mean) / sqrt(variance + eps) * weight + bias}, row by row (Ba et al., 2016). */
  private INDArray layerNorm(INDArray x, INDArray weight, @Nullable INDArray bias, double epsilon) {
    try (Scope scope = new Scope()) {
      INDArray mean = scope.own(x.mean(true, 1));
      INDArray centred = scope.own(x.sub(mean));
      INDArray squares = scope.own(centred.mul(centred));
      INDArray root = rootOf(scope.own(squares.mean(true, 1)), epsilon);
      INDArray y = centred.div(root).muliRowVector(weight);
      return bias == null ? y : y.addiRowVector(bias);
    }
  }

  private static INDArray rootOf(INDArray means, double epsilon) {
    return Transforms.sqrt(means.addi(epsilon), false);
  }

  /** {@code exp(x - max) / sum(exp(x - max))}, row by row, in place. */
  void softmax(INDArray x) {
    try (Scope scope = new Scope()) {
      INDArray max = scope.own(x.max(true, 1));
      Transforms.exp(x.subi(max), false);
      INDArray sum = scope.own(x.sum(true, 1));
      x.divi(sum);
    }
  }

  /** {@code cap * tanh(x / cap)}, in place. */
  void softCap(INDArray x, double cap) {
    Transforms.tanh(x.divi(cap), false).muli(cap);
  }

  /** {@code x / (1 + exp(-x))}, in place. */
  void silu(INDArray x) {
    try (Scope scope = new Scope()) {
      INDArray exp = scope.own(x.neg());
      Transforms.exp(exp, false).addi(1.0);
      x.divi(exp);
    }
  }

  /**
   * {@code x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))}, in place (Hendrycks and Gimpel,
   * 2016).
   */
  void geluTanh(INDArray x) {
    try (Scope scope = new Scope()) {
      INDArray inner = scope.own(x.mul(x));
      inner.muli(x).muli(0.044715).addi(x).muli(Math.sqrt(2 / Math.PI));
      Transforms.tanh(inner, false).addi(1.0).muli(0.5);
      x.muli(inner);
    }
  }

  /** The norm that the model uses, row by row. */
  INDArray norm(INDArray x, Norm norm, ModelSpec spec) {
    return switch (spec.norm()) {
      case RMS -> rmsNorm(x, norm.weight(), spec.normEpsilon());
      case LAYER -> layerNorm(x, norm.weight(), norm.bias(), spec.normEpsilon());
    };
  }

  /** Rows {@code first .. first+count} of a matrix, copied. */
  INDArray rows(INDArray x, long first, long count) {
    return x.get(NDArrayIndex.interval(first, first + count), NDArrayIndex.all()).dup('c');
  }

  /** Columns {@code first .. first+count} of a matrix, copied. */
  INDArray columns(INDArray x, long first, long count) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(first, first + count)).dup('c');
  }
}
