package dev.sluice.model.arch;

import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.kernel.Matrix;
import dev.sluice.model.kernel.PackedMatrix;
import dev.sluice.model.kernel.Weights;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.ScaledAdapter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds tensors, refuses those of another shape than the metadata says, and hands them to the
 * kernels: matrices packed or as they are mapped, vectors as F32 in {@code arena}.
 */
final class TensorLoader {
  private static final int ALIGNMENT = 64;

  private final GgufFile file;
  private final Arena arena;
  private final List<ScaledAdapter> adapters;
  private final WorkerPool pool;
  private final AdapterWork adapterWork = new AdapterWork();

  /** A loader for one transformer; {@code adapters} fit the file, the pool helps to pack. */
  TensorLoader(GgufFile file, Arena arena, List<ScaledAdapter> adapters, WorkerPool pool) {
    this.file = file;
    this.arena = arena;
    this.adapters = adapters;
    this.pool = pool;
  }

  List<ScaledAdapter> adapters() {
    return adapters;
  }

  /** What the adapted projections that are loaded here share. */
  AdapterWork adapterWork() {
    return adapterWork;
  }

  boolean has(String name) {
    return file.find(name).isPresent();
  }

  /** A matrix of {@code rows} rows, {@code columns} contiguous elements each. */
  Matrix matrix(String name, long rows, int columns) {
    return Matrix.of(checked(name, columns, rows));
  }

  /**
   * Matrices that share their input, as the kernels want them: those of neighbours that can be
   * packed together as one, others as they are mapped.
   */
  List<Weights> weights(List<Matrix> matrices) {
    List<Weights> weights = new ArrayList<>();
    for (int i = 0; i < matrices.size(); ) {
      Matrix first = matrices.get(i);
      int end = i + 1;
      if (PackedMatrix.supports(first.type())) {
        while (end < matrices.size() && matrices.get(end).type() == first.type()) {
          end++;
        }
        weights.add(PackedMatrix.pack(arena, pool, matrices.subList(i, end)));
      } else {
        weights.add(first);
      }
      i = end;
    }
    return weights;
  }

  /** The elements of a vector. */
  float[] vector(String name, int length) {
    GgufTensor tensor = checked(name, length, 1);
    float[] values = new float[length];
    Dequantizer.dequantize(tensor.type(), tensor.data(), 0, values, 0, length);
    return values;
  }

  /** A vector outside the heap. */
  MemorySegment segment(String name, int length) {
    return segment(vector(name, length));
  }

  MemorySegment segment(float[] values) {
    MemorySegment segment = arena.allocate((long) values.length * Float.BYTES, ALIGNMENT);
    MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_FLOAT, 0, values.length);
    return segment;
  }

  /** A vector that the file may leave out. */
  @Nullable MemorySegment findSegment(String name, int length) {
    return has(name) ? segment(name, length) : null;
  }

  private GgufTensor checked(String name, long first, long second) {
    Optional<GgufTensor> found = file.find(name);
    String expected = second == 1 ? "[" + first + "]" : "[" + first + ", " + second + "]";
    if (found.isEmpty()) {
      throw new ModelFileException(
          file.path(), "tensor " + name + " is missing; expected with shape " + expected);
    }
    GgufTensor tensor = found.get();
    long[] shape = tensor.dimensions();
    long rows = shape.length > 1 ? shape[1] : 1;
    if (shape[0] != first || tensor.rows() != second || rows != second) {
      throw new ModelFileException(
          tensor.file(),
          tensor.offset(),
          "tensor "
              + name
              + " has shape "
              + Arrays.toString(shape)
              + ", expected "
              + expected
              + " from the metadata");
    }
    return tensor;
  }
}
