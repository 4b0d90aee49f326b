package dev.sluice.model.training;

import dev.sluice.model.arch.Activation;
import dev.sluice.model.arch.Architecture;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.arch.RopeScaling;
import dev.sluice.model.arch.RopeStyle;
import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Between models that are trained and GGUF files. */
final class ModelFiles {
  private ModelFiles() {}

  /**
   * The shape of a model in a file.
   *
   * @throws IllegalArgumentException if models like it cannot be trained here, saying why
   */
  static ModelShape shape(GgufFile file) {
    ModelSpec spec = ModelSpec.of(file);
    Architecture architecture = spec.architecture();
    boolean ours = architecture == Architecture.SLUICE;
    require(
        ours || architecture == Architecture.LLAMA,
        file,
        "only llama and sluice models can be trained, not " + architecture.key());
    require(!spec.vocabularyOnly(), file, "a vocabulary without a model has nothing to train");
    int headLength = spec.embeddingLength() / spec.heads();
    boolean plain =
        spec.keyLength() == headLength
            && spec.valueLength() == headLength
            && spec.attentionSoftCap() == 0
            && spec.finalSoftCap() == 0
            && spec.slidingWindow() == 0
            && spec.embeddingScale() == 1
            && Math.abs(spec.attentionScale() * Math.sqrt(headLength) - 1) < 1e-6;
    require(plain, file, "attention differs from a plain llama's, which training does not know");
    double base = 10_000;
    PositionEncoding positions = PositionEncoding.SINUSOIDAL;
    if (spec.position() instanceof dev.sluice.model.arch.PositionEncoding.Rope rope) {
      require(
          rope.style() == RopeStyle.NORM
              && rope.dimensions() == headLength
              && rope.scaling() instanceof RopeScaling.None,
          file,
          "its rotary positions are scaled or partial, which training does not know");
      base = rope.base();
      positions = PositionEncoding.ROPE;
    }
    return new ModelShape(
        spec.vocabularySize(),
        spec.embeddingLength(),
        spec.layers(),
        spec.heads(),
        spec.kvHeads(),
        spec.feedForwardLength(),
        spec.contextLength(),
        positions,
        spec.activation() == Activation.SILU ? FeedForward.SWIGLU : FeedForward.GELU,
        (float) base,
        spec.normEpsilon(),
        file.find("output.weight").isEmpty());
  }

  private static void require(boolean holds, GgufFile file, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException(file.path() + ": " + otherwise);
    }
  }

  /**
   * Reads all tensors of a model; adapters that the file lacks stay as they are.
   *
   * @throws IllegalArgumentException if the file has tensors that the model has no place for
   * @throws ModelFileException if one is missing or of another shape
   */
  static void read(GgufFile file, List<Parameter> parameters) {
    Set<String> known = new HashSet<>();
    for (Parameter parameter : parameters) {
      known.add(parameter.name());
      if (!parameter.name().contains(".lora_") || file.find(parameter.name()).isPresent()) {
        read(file, parameter.name(), parameter, parameter.value());
      }
    }
    for (GgufTensor tensor : file.tensors()) {
      require(
          known.contains(tensor.name()) || tensor.name().startsWith("adam."),
          file,
          "tensor " + tensor.name() + " has no place in a plain llama model");
    }
  }

  static void read(GgufFile file, String name, Parameter like, MemorySegment target) {
    GgufTensor tensor = file.tensor(name);
    long rows = tensor.rows();
    if (tensor.columns() != like.columns() || rows != like.rows()) {
      throw new ModelFileException(
          file.path(),
          String.format(
              "tensor %s has %d rows of %d numbers, not %d of %d",
              name, rows, tensor.columns(), like.rows(), like.columns()));
    }
    float[] row = new float[like.columns()];
    for (int i = 0; i < like.rows(); i++) {
      long first = (long) i * row.length;
      Dequantizer.dequantize(tensor.type(), tensor.data(), first, row, 0, row.length);
      MemorySegment.copy(row, 0, target, ValueLayout.JAVA_FLOAT, first * Float.BYTES, row.length);
    }
  }

  /** The architecture that says such a shape in a GGUF file. */
  static String architecture(ModelShape shape) {
    boolean plain =
        shape.positions() == PositionEncoding.ROPE && shape.activation() == FeedForward.SWIGLU;
    return plain ? "llama" : "sluice";
  }

  /** A file with a model's shape and its tokenizer, without tensors. */
  static GgufWriter header(ModelShape shape, GgufMetadata tokenizer) {
    String architecture = architecture(shape);
    GgufWriter writer = new GgufWriter().metadata(tokenizer);
    for (String key : tokenizer.keys()) {
      if (!key.startsWith("tokenizer.") && !key.equals("general.name")) {
        writer.remove(key);
      }
    }
    writer
        .string("general.architecture", architecture)
        .uint32(architecture + ".vocab_size", shape.vocabulary())
        .uint32(architecture + ".context_length", shape.context())
        .uint32(architecture + ".embedding_length", shape.width())
        .uint32(architecture + ".block_count", shape.layers())
        .uint32(architecture + ".feed_forward_length", shape.feedForward())
        .uint32(architecture + ".attention.head_count", shape.heads())
        .uint32(architecture + ".attention.head_count_kv", shape.kvHeads())
        .float32(architecture + ".attention.layer_norm_rms_epsilon", shape.normEpsilon())
        .uint32(architecture + ".rope.dimension_count", shape.headLength())
        .float32(architecture + ".rope.freq_base", shape.ropeBase());
    if (architecture.equals("sluice")) {
      boolean waves = shape.positions() == PositionEncoding.SINUSOIDAL;
      boolean gelu = shape.activation() == FeedForward.GELU;
      writer
          .string("sluice.position_encoding", waves ? "sinusoidal" : "rope")
          .string("sluice.feed_forward", gelu ? "gelu" : "swiglu");
    }
    return writer;
  }

  /** The value of {@code general.file_type} that stands for a type, as ggml numbers them. */
  static int fileType(GgmlType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q8_0 -> 7;
      case BF16 -> 32;
      default ->
          throw new IllegalArgumentException(
              "a model is exported as F32, F16, BF16, Q8_0 or Q4_0, not as " + type);
    };
  }

  /** Adds an F32 tensor. */
  static void write(GgufWriter writer, String name, Parameter like, MemorySegment value) {
    float[] values = value.toArray(ValueLayout.JAVA_FLOAT);
    if (like.rows() == 1) {
      writer.tensor(name, values, like.columns());
    } else {
      writer.tensor(name, values, like.columns(), like.rows());
    }
  }

  /** The options that decide the bits of a run, one {@code name=value} each. */
  static List<String> deciding(TrainingOptions options) {
    String text = options.toString();
    String inside = text.substring(text.indexOf('[') + 1, text.length() - 1);
    return Arrays.stream(inside.split(", ", -1)).filter(o -> !o.startsWith("threads=")).toList();
  }
}
