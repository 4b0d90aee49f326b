package dev.sluice.model.quantize;

import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.gguf.Quantizer;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.LowRank;
import dev.sluice.model.lora.ScaledAdapter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.Predicate;

/**
 * Writes a model again with its weights in another type, and adapters merged into them.
 *
 * <p>The file that it reads stays mapped; beside it, memory holds one tensor of the new file at a
 * time and some hundred kilobytes a thread. The same input gives the same bytes whatever the
 * threads. For one thread.
 */
public final class ModelQuantizer {
  /** Elements that a thread takes at a time: a multiple of every type's block. */
  private static final int CHUNK = 1 << 16;

  /** Chunks between two reports of progress. */
  private static final int CHUNKS_PER_REPORT = 64;

  /** The least number that rounds to an infinite half float. */
  private static final float FIRST_BEYOND_HALF = 65_520;

  private static final int ALIGNMENT = 64;
  private static final int QUANTIZATION_VERSION = 2;

  private final GgufFile model;
  private final GgmlType wanted;
  private final List<ScaledAdapter> adapters;
  private final List<TensorChange> changes;

  /**
   * Plans the new file.
   *
   * @param model any GGUF model; stays open as long as this is used, closed by the caller
   * @param wanted the type of most weights: one that {@link Quantizer} supports
   * @param keep names of tensors that keep their type
   * @param adapters merged into the weights, in this order
   * @throws ModelFileException for a file without tensors, or an adapter that does not fit
   * @throws IllegalArgumentException if {@code wanted} is not supported
   */
  public ModelQuantizer(
      GgufFile model, GgmlType wanted, Predicate<String> keep, List<ScaledAdapter> adapters) {
    this.model = model;
    this.wanted = wanted;
    this.adapters = List.copyOf(adapters);
    if (model.tensors().isEmpty()) {
      throw new ModelFileException(
          model.path(), "holds a vocabulary and no tensor: there is nothing to quantize");
    }
    TypeChoice choice = new TypeChoice(model, wanted, keep);
    changes =
        model.tensors().stream()
            .map(
                tensor -> {
                  GgmlType wish = choice.wish(tensor);
                  return new TensorChange(tensor, wish, TypeChoice.fitting(wish, tensor));
                })
            .toList();
    adapters.forEach(scaled -> scaled.adapter().check(model));
    changes.forEach(this::checkMergeable);
  }

  private void checkMergeable(TensorChange change) {
    if (isAdapted(change.tensor().name()) && !Quantizer.supports(change.type())) {
      throw new ModelFileException(
          change.tensor().file(),
          "tensor "
              + change.tensor().name()
              + " is adapted and cannot stay "
              + change.type()
              + ": nothing can be quantized to that");
    }
  }

  /** What becomes of each tensor, in the order of the file. */
  public List<TensorChange> changes() {
    return changes;
  }

  /** Elements of all tensors: what progress counts. */
  public long elements() {
    return changes.stream().mapToLong(change -> change.tensor().elements()).sum();
  }

  /**
   * Writes the new file, replacing one that is there, whole or not at all.
   *
   * @param file must not be the model's own, or one of its parts
   * @param progress told now and then, by the calling thread, how many elements are done
   * @throws ModelFileException if it cannot be written, or a weight cannot be quantized
   */
  public void write(Path file, WorkerPool pool, LongConsumer progress) {
    GgufWriter writer =
        new GgufWriter()
            .metadata(model.metadata())
            .uint32("general.file_type", TypeChoice.fileType(wanted));
    if (wanted.blockSize() > 1) {
      writer.uint32("general.quantization_version", QUANTIZATION_VERSION);
    }
    long largest =
        changes.stream().filter(this::converts).mapToLong(TensorChange::bytes).max().orElse(0);
    try (Arena arena = Arena.ofShared()) {
      Work work = new Work(pool, progress, arena.allocate(largest, ALIGNMENT));
      for (TensorChange change : changes) {
        GgufTensor tensor = change.tensor();
        writer.tensor(
            tensor.name(), change.type(), () -> work.convert(change), tensor.dimensions());
      }
      writer.write(file);
    }
  }

  /** Whether a tensor is more than copied. */
  private boolean converts(TensorChange change) {
    return change.type() != change.tensor().type() || isAdapted(change.tensor().name());
  }

  private boolean isAdapted(String name) {
    return adapters.stream().anyMatch(scaled -> scaled.adapter().find(name).isPresent());
  }

  /** Half floats would turn what is too large into infinities without a word. */
  private static void checkRange(GgmlType type, float[] values, int count) {
    for (int i = 0; type == GgmlType.F16 && i < count; i++) {
      if (Math.abs(values[i]) >= FIRST_BEYOND_HALF) {
        throw new IllegalArgumentException("value " + i + " is " + values[i]);
      }
    }
  }

  /** The memory of one writing. */
  private final class Work {
    private final WorkerPool pool;
    private final LongConsumer progress;
    private final MemorySegment output;
    private final float[][] values;
    private long done;

    Work(WorkerPool pool, LongConsumer progress, MemorySegment output) {
      this.pool = pool;
      this.progress = progress;
      this.output = output;
      values = new float[pool.threads()][CHUNK];
    }

    /** The bytes of the changed tensor, until the next one is asked for. */
    MemorySegment convert(TensorChange change) {
      GgufTensor tensor = change.tensor();
      if (!converts(change)) {
        report(tensor.elements());
        return tensor.data();
      }
      long chunks = Math.ceilDiv(tensor.elements(), CHUNK);
      for (long first = 0; first < chunks; first += CHUNKS_PER_REPORT) {
        int count = (int) Math.min(CHUNKS_PER_REPORT, chunks - first);
        long start = first;
        pool.parallel(
            count, (chunk, worker) -> convert(change, (start + chunk) * CHUNK, values[worker]));
        report(Math.min(tensor.elements(), (first + count) * CHUNK) - first * CHUNK);
      }
      return output.asSlice(0, change.bytes());
    }

    private void report(long elements) {
      done += elements;
      progress.accept(done);
    }

    private void convert(TensorChange change, long first, float[] chunk) {
      GgufTensor tensor = change.tensor();
      int count = (int) Math.min(CHUNK, tensor.elements() - first);
      Dequantizer.dequantize(tensor.type(), tensor.data(), first, chunk, 0, count);
      for (ScaledAdapter scaled : adapters) {
        LowRank pair = scaled.adapter().find(tensor.name()).orElse(null);
        if (pair != null) {
          scaled.adapter().merge(pair, scaled.scale(), first, chunk, count);
        }
      }
      GgmlType type = change.type();
      MemorySegment target = output.asSlice(type.bytesFor(first), type.bytesFor(count));
      try {
        checkRange(type, chunk, count);
        Quantizer.quantize(type, chunk, 0, count, target);
      } catch (IllegalArgumentException e) {
        throw new ModelFileException(
            tensor.file(),
            "tensor "
                + tensor.name()
                + " cannot become "
                + type
                + ": counted from its element "
                + first
                + " on, "
                + e.getMessage(),
            e);
      }
    }
  }
}
