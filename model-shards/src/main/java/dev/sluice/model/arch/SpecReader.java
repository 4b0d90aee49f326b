package dev.sluice.model.arch;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.ModelFileException;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Reads a {@link ModelSpec} from metadata and refuses what makes no sense, before anything is
 * allocated by it. Defaults of keys that a file may leave out are those of the GGUF conventions
 * (ggml's {@code docs/gguf.md} and llama.cpp's loader).
 */
final class SpecReader {
  private static final int MAX_LAYERS = 1 << 12;
  private static final int MAX_LENGTH = 1 << 20;
  private static final int MAX_CONTEXT = 1 << 27;
  private static final int MAX_VOCABULARY = 1 << 24;
  private static final double DEFAULT_ROPE_BASE = 10_000;

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final Architecture architecture;
  private final boolean vocabularyOnly;

  SpecReader(GgufFile file) {
    this.file = file;
    metadata = file.metadata();
    String key = metadata.string("general.architecture");
    architecture =
        Architecture.of(key)
            .orElseThrow(
                () ->
                    refuse(
                        "general.architecture is '"
                            + key
                            + "', which is not known; known are "
                            + Arrays.stream(Architecture.values())
                                .map(Architecture::key)
                                .collect(Collectors.joining(", "))));
    vocabularyOnly = file.tensors().isEmpty();
  }

  ModelSpec read() {
    String name = metadata.findString("general.name").orElse(architecture.key());
    if (vocabularyOnly) {
      return ModelSpec.vocabularyOnly(architecture, name, vocabularySize());
    }
    if (find("expert_count").orElse(0) > 0) {
      throw refuse(key("expert_count") + " is set: mixtures of experts are not supported");
    }
    if (!metadata.bool(key("attention.causal"), true)) {
      throw refuse(key("attention.causal") + " is false: only causal models are supported");
    }
    int layers = required("block_count", MAX_LAYERS);
    int embeddingLength = required("embedding_length", MAX_LENGTH);
    int heads =
        uniform("attention.head_count", layers, MAX_LENGTH)
            .orElseThrow(() -> missing("attention.head_count"));
    int kvHeads = uniform("attention.head_count_kv", layers, MAX_LENGTH).orElse(heads);
    if (heads % kvHeads != 0) {
      throw refuse(
          key("attention.head_count_kv")
              + " "
              + kvHeads
              + " does not divide the "
              + heads
              + " heads");
    }
    int keyLength = headLength("attention.key_length", embeddingLength, heads);
    int valueLength = headLength("attention.value_length", embeddingLength, heads);
    if ((long) heads * Math.max(keyLength, valueLength) > MAX_LENGTH) {
      throw refuse(
          heads
              + " heads of "
              + keyLength
              + " and "
              + valueLength
              + " elements are more than "
              + MAX_LENGTH
              + " elements of a row");
    }
    int window = window();
    boolean plainGelu = plainGelu();
    return new ModelSpec(
        architecture,
        name,
        false,
        layers,
        embeddingLength,
        vocabularySize(),
        required("context_length", MAX_CONTEXT),
        heads,
        kvHeads,
        keyLength,
        valueLength,
        uniform("feed_forward_length", layers, MAX_LENGTH)
            .orElseThrow(() -> missing("feed_forward_length")),
        epsilon(),
        position(keyLength),
        attentionScale(layers, embeddingLength, heads, keyLength),
        softCap("attn_logit_softcapping", architecture == Architecture.GEMMA2 ? 50 : 0),
        softCap("final_logit_softcapping", architecture == Architecture.GEMMA2 ? 30 : 0),
        window,
        window == 0 ? 0 : slidingPattern(layers),
        architecture.embeddingScaled() ? (float) Math.sqrt(embeddingLength) : 1,
        plainGelu ? Activation.GELU_TANH : architecture.activation(),
        architecture.gated() && !plainGelu);
  }

  private int headLength(String name, int embeddingLength, int heads) {
    OptionalLong given = find(name);
    if (given.isPresent()) {
      return within(name, given.getAsLong(), 1, MAX_LENGTH);
    }
    if (embeddingLength % heads != 0) {
      throw refuse(
          key("embedding_length")
              + " "
              + embeddingLength
              + " is no multiple of the "
              + heads
              + " heads, and there is no "
              + key(name));
    }
    return embeddingLength / heads;
  }

  private int vocabularySize() {
    OptionalLong given = find("vocab_size");
    if (given.isPresent()) {
      return within("vocab_size", given.getAsLong(), 1, MAX_VOCABULARY);
    }
    if (metadata.isArray("tokenizer.ggml.tokens")) {
      return within("vocab_size", metadata.length("tokenizer.ggml.tokens"), 1, MAX_VOCABULARY);
    }
    Optional<GgufTensor> embedding = file.find(TensorNames.TOKEN_EMBEDDING);
    if (embedding.isPresent()) {
      return within("vocab_size", embedding.get().rows(), 1, MAX_VOCABULARY);
    }
    throw refuse(
        "the vocabulary's size is nowhere: neither "
            + key("vocab_size")
            + " nor tokenizer.ggml.tokens nor the tensor "
            + TensorNames.TOKEN_EMBEDDING);
  }

  private float epsilon() {
    String name =
        architecture.norm() == NormKind.RMS
            ? "attention.layer_norm_rms_epsilon"
            : "attention.layer_norm_epsilon";
    double epsilon = metadata.real(key(name));
    if (!(epsilon >= 0 && epsilon < 1)) {
      throw refuse(key(name) + " is " + epsilon + ", not within 0..1");
    }
    return (float) epsilon;
  }

  private float attentionScale(int layers, int embeddingLength, int heads, int keyLength) {
    // The 27B models of both Gemmas scale by the share of a head in the embedding. No key says so:
    // the number of layers is how the conventions know these two.
    boolean byEmbedding =
        (architecture == Architecture.GEMMA2 && layers == 46)
            || (architecture == Architecture.GEMMA3 && layers == 62);
    return (float) (1 / Math.sqrt(byEmbedding ? embeddingLength / heads : keyLength));
  }

  private float softCap(String name, double otherwise) {
    double cap = metadata.findReal(key(name)).orElse(otherwise);
    if (!(cap >= 0 && cap < Float.MAX_VALUE)) {
      throw refuse(key(name) + " is " + cap + ", not a positive number");
    }
    return (float) cap;
  }

  private int window() {
    int otherwise = architecture == Architecture.GEMMA2 ? 4096 : 0;
    return architecture.slidingPattern() == 0
        ? 0
        : within(
            "attention.sliding_window",
            find("attention.sliding_window").orElse(otherwise),
            0,
            MAX_CONTEXT);
  }

  /** The period of the layers without a window, given as a number or as an array of booleans. */
  private int slidingPattern(int layers) {
    String key = key("attention.sliding_window_pattern");
    if (!metadata.isArray(key)) {
      return within(
          "attention.sliding_window_pattern",
          find("attention.sliding_window_pattern").orElse(architecture.slidingPattern()),
          0,
          MAX_LAYERS);
    }
    boolean[] slides = metadata.bools(key);
    for (int period = 0; period <= layers + 1 && slides.length == layers; period++) {
      boolean fits = true;
      for (int layer = 0; layer < layers && fits; layer++) {
        fits = slides[layer] == ModelSpec.slides(period, layer);
      }
      if (fits) {
        return period;
      }
    }
    throw refuse(
        key + " " + Arrays.toString(slides) + " is no regular pattern over " + layers + " layers");
  }

  /** Whether the file chooses GELU without a gate, as only this project's own models can. */
  private boolean plainGelu() {
    if (architecture != Architecture.SLUICE) {
      return false;
    }
    String feedForward = metadata.findString(key("feed_forward")).orElse("swiglu");
    return switch (feedForward) {
      case "swiglu" -> false;
      case "gelu" -> true;
      default ->
          throw refuse(key("feed_forward") + " is '" + feedForward + "': known are swiglu, gelu");
    };
  }

  private PositionEncoding position(int keyLength) {
    if (architecture == Architecture.GPT2) {
      return new PositionEncoding.Learned();
    }
    String encoding = metadata.findString("sluice.position_encoding").orElse("rope");
    boolean choosable = architecture == Architecture.LLAMA || architecture == Architecture.SLUICE;
    if (encoding.equals("sinusoidal") && choosable) {
      return new PositionEncoding.Sinusoidal();
    }
    if (!encoding.equals("rope")) {
      throw refuse(
          "sluice.position_encoding is '"
              + encoding
              + "', which "
              + architecture.key()
              + " cannot have");
    }
    int dimensions =
        within(
            "rope.dimension_count", find("rope.dimension_count").orElse(keyLength), 2, keyLength);
    if (dimensions % 2 != 0) {
      throw refuse(key("rope.dimension_count") + " is odd: " + dimensions);
    }
    double base = positive("rope.freq_base", DEFAULT_ROPE_BASE);
    // Gemma 3's layers with a window keep the base and the range of their first training.
    boolean local = architecture == Architecture.GEMMA3;
    return new PositionEncoding.Rope(
        architecture.ropeStyle(),
        dimensions,
        base,
        scaling(),
        local ? positive("rope.freq_base_swa", DEFAULT_ROPE_BASE) : base,
        !local);
  }

  private RopeScaling scaling() {
    double attnFactor = positive("rope.scaling.attn_factor", 1);
    int originalContext =
        within(
            "rope.scaling.original_context_length",
            find("rope.scaling.original_context_length")
                .orElseGet(
                    () -> find("context_length").orElseThrow(() -> missing("context_length"))),
            1,
            MAX_CONTEXT);
    if (file.find(TensorNames.ROPE_FACTORS_LONG).isPresent()
        || file.find(TensorNames.ROPE_FACTORS_SHORT).isPresent()) {
      return new RopeScaling.LongRope(originalContext, attnFactor);
    }
    double factor =
        metadata.has(key("rope.scaling.factor"))
            ? positiveOrNone("rope.scaling.factor")
            : positiveOrNone("rope.scale_linear");
    String type = metadata.findString(key("rope.scaling.type")).orElse("linear");
    return switch (type) {
      case "none" -> new RopeScaling.None();
      case "linear" -> factor == 1 ? new RopeScaling.None() : new RopeScaling.Linear(factor);
      case "yarn" ->
          new RopeScaling.Yarn(
              factor,
              originalContext,
              metadata.findReal(key("rope.scaling.yarn_ext_factor")).orElse(1),
              attnFactor * positive("rope.scaling.yarn_attn_factor", 1),
              positive("rope.scaling.yarn_beta_fast", 32),
              positive("rope.scaling.yarn_beta_slow", 1));
      default ->
          throw refuse(
              key("rope.scaling.type")
                  + " is '"
                  + type
                  + "': known are none, linear, yarn, and longrope by its tensors "
                  + TensorNames.ROPE_FACTORS_LONG
                  + " and "
                  + TensorNames.ROPE_FACTORS_SHORT);
    };
  }

  /** The conventions write 0 for "not scaled". */
  private double positiveOrNone(String name) {
    double value = metadata.findReal(key(name)).orElse(1);
    return value == 0 ? 1 : positive(name, 1);
  }

  private double positive(String name, double otherwise) {
    double value = metadata.findReal(key(name)).orElse(otherwise);
    if (!(value > 0 && value < Float.MAX_VALUE)) {
      throw refuse(key(name) + " is " + value + ", not a positive number");
    }
    return value;
  }

  private int required(String name, int max) {
    return within(name, metadata.integer(key(name)), 1, max);
  }

  /** A number, or an array that says the same number for every layer. */
  private Optional<Integer> uniform(String name, int layers, int max) {
    String key = key(name);
    if (!metadata.isArray(key)) {
      OptionalLong value = metadata.findInteger(key);
      return value.isPresent()
          ? Optional.of(within(name, value.getAsLong(), 1, max))
          : Optional.empty();
    }
    int[] values = metadata.integers(key);
    if (values.length != layers || Arrays.stream(values).distinct().count() != 1) {
      throw refuse(
          key
              + " differs between layers, which is not supported, or is not given for all "
              + layers);
    }
    return Optional.of(within(name, values[0], 1, max));
  }

  private OptionalLong find(String name) {
    return metadata.findInteger(key(name));
  }

  private int within(String name, long value, int min, int max) {
    if (value < min || value > max) {
      throw refuse(key(name) + " is " + value + ", not within " + min + ".." + max);
    }
    return (int) value;
  }

  private String key(String name) {
    return architecture.key() + "." + name;
  }

  private ModelFileException missing(String name) {
    return refuse(key(name) + " is missing");
  }

  private ModelFileException refuse(String problem) {
    return new ModelFileException(file.path(), problem);
  }
}
