package dev.sluice.model.reference;

import dev.sluice.model.arch.Architecture;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.arch.NormKind;
import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.lora.LowRank;
import dev.sluice.model.lora.ScaledAdapter;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Dequantizes tensors into arrays, after a look at their shape, and adds what adapters add, in
 * double precision. All arrays that it makes belong to the scope it was given, also when a later
 * tensor turns out to be unusable.
 */
final class WeightLoader {
  private final GgufFile file;
  private final ModelSpec spec;
  private final Algebra algebra;
  private final Scope scope;
  private final List<ScaledAdapter> adapters;

  WeightLoader(
      GgufFile file, ModelSpec spec, Algebra algebra, Scope scope, List<ScaledAdapter> adapters) {
    this.file = file;
    this.spec = spec;
    this.algebra = algebra;
    this.scope = scope;
    this.adapters = adapters;
  }

  /** All weights of one layer. */
  Layer layer(int index) {
    String prefix = "blk." + index + ".";
    Architecture architecture = spec.architecture();
    int width = spec.embeddingLength();
    int hidden = spec.feedForwardLength();
    boolean fused = architecture.fusedQkv();
    boolean separateGate = spec.gated() && !architecture.fusedGateUp();
    int qkv = spec.queryLength() + spec.keysLength() + spec.valuesLength();
    return new Layer(
        norm(prefix + "attn_norm", width),
        fused ? null : linear(prefix + "attn_q", width, spec.queryLength()),
        fused ? null : linear(prefix + "attn_k", width, spec.keysLength()),
        fused ? null : linear(prefix + "attn_v", width, spec.valuesLength()),
        fused ? linear(prefix + "attn_qkv", width, qkv) : null,
        findNorm(prefix + "attn_q_norm", spec.keyLength()),
        findNorm(prefix + "attn_k_norm", spec.keyLength()),
        linear(prefix + "attn_output", spec.heads() * spec.valueLength(), width),
        architecture.postNorms() ? norm(prefix + "post_attention_norm", width) : null,
        norm(prefix + "ffn_norm", width),
        separateGate ? linear(prefix + "ffn_gate", width, hidden) : null,
        linear(prefix + "ffn_up", width, architecture.fusedGateUp() ? 2 * hidden : hidden),
        linear(prefix + "ffn_down", hidden, width),
        architecture.postNorms() ? norm(prefix + "post_ffw_norm", width) : null);
  }

  /** The norm before the output head. */
  Norm outputNorm() {
    return norm("output_norm", spec.embeddingLength());
  }

  /** The output head: a matrix of its own or the embedding's. */
  Linear head() {
    String name = file.find("output.weight").isPresent() ? "output" : "token_embd";
    return linear(name, spec.embeddingLength(), spec.vocabularySize());
  }

  /** The embedding, left in the file: a row is dequantized when it is needed. */
  GgufTensor embedding() {
    return shaped("token_embd.weight", spec.embeddingLength(), spec.vocabularySize());
  }

  /** The learned positions, left in the file. */
  GgufTensor positions() {
    return shaped("position_embd.weight", spec.embeddingLength(), spec.contextLength());
  }

  private Linear linear(String name, int inputs, int outputs) {
    INDArray weights = scope.own(algebra.array(outputs, inputs));
    fill(weights, shaped(name + ".weight", inputs, outputs));
    return new Linear(weights, findVector(name + ".bias", outputs));
  }

  private Norm norm(String name, int length) {
    INDArray weight = vector(file.tensor(name + ".weight"), length);
    return new Norm(
        weight,
        spec.norm() == NormKind.LAYER
            ? vector(file.tensor(name + ".bias"), length)
            : findVector(name + ".bias", length));
  }

  private @Nullable Norm findNorm(String name, int length) {
    return file.find(name + ".weight").isPresent() ? norm(name, length) : null;
  }

  private @Nullable INDArray findVector(String name, int length) {
    Optional<GgufTensor> tensor = file.find(name);
    return tensor.isPresent() ? vector(tensor.get(), length) : null;
  }

  private INDArray vector(GgufTensor tensor, int length) {
    check(tensor, length, 1);
    INDArray array = scope.own(algebra.array(1, length));
    fill(array, tensor);
    return array;
  }

  private GgufTensor shaped(String name, int columns, int rows) {
    GgufTensor tensor = file.tensor(name);
    check(tensor, columns, rows);
    return tensor;
  }

  private static void check(GgufTensor tensor, int columns, int rows) {
    if (tensor.columns() != columns || tensor.rows() != rows) {
      throw new ModelFileException(
          tensor.file(),
          tensor.offset(),
          "tensor "
              + tensor.name()
              + " has shape "
              + Arrays.toString(tensor.dimensions())
              + ", expected ["
              + columns
              + (rows == 1 ? "]" : ", " + rows + "]"));
    }
  }

  /** Copies a tensor into an array whose memory has the same order. */
  private void fill(INDArray array, GgufTensor tensor) {
    MemorySegment memory = algebra.memory(array);
    float[] row = new float[(int) tensor.columns()];
    long at = 0;
    for (int r = 0; r < tensor.rows(); r++) {
      row(tensor, r, row);
      double[] added = added(tensor, r);
      for (int i = 0; i < row.length; i++) {
        algebra.set(memory, at++, row[i] + added[i]);
      }
    }
  }

  /** {@code scale * alpha / rank * B A}, of row {@code r}, over all adapters. */
  private double[] added(GgufTensor tensor, int r) {
    double[] sum = new double[(int) tensor.columns()];
    for (ScaledAdapter scaled : adapters) {
      LowRank pair = scaled.adapter().find(tensor.name()).orElse(null);
      for (int k = 0; pair != null && k < pair.rank(); k++) {
        double factor = (double) scaled.scale() * scaled.adapter().factor(pair);
        for (int i = 0; i < sum.length; i++) {
          sum[i] += factor * pair.b()[r * pair.rank() + k] * pair.a()[k * sum.length + i];
        }
      }
    }
    return sum;
  }

  /** Dequantizes row {@code r} of a tensor. */
  static void row(GgufTensor tensor, long r, float[] into) {
    Dequantizer.dequantize(
        tensor.type(), tensor.data(), r * tensor.columns(), into, 0, into.length);
  }

  /** All elements of a small tensor, which must have {@code length}. */
  static float[] elements(GgufTensor tensor, int length) {
    check(tensor, length, 1);
    float[] elements = new float[length];
    row(tensor, 0, elements);
    return elements;
  }
}
