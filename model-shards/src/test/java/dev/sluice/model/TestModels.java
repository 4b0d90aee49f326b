package dev.sluice.model;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Writes small models of every architecture with seeded random weights: the same seed and shape,
 * the same file. Shapes may be set one by one; {@link #random} draws them.
 *
 * <pre>{@code
 * Path file = TestModels.of("gemma2", 7).layers(3).window(5).write(folder);
 * }</pre>
 */
public final class TestModels {
  /** All architectures. */
  public static final List<String> ARCHITECTURES =
      List.of("llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "gpt2", "sluice");

  private final String architecture;
  private final long seed;
  private Random random;
  private final Map<String, Consumer<GgufWriter>> extras = new LinkedHashMap<>();
  private int layers = 3;
  private int heads = 4;
  private int kvHeads = 2;
  private int headLength = 16;
  private int embedding = 64;
  private int feedForward = 96;
  private int vocabulary = 128;
  private int context = 256;
  private int window;
  private boolean tied;
  private boolean biases;
  private boolean sinusoidal;
  private boolean plainGelu;
  private GgmlType type = GgmlType.F32;
  private float[] frequencyFactors = {};
  private float[] longFactors = {};
  private float[] shortFactors = {};

  private TestModels(String architecture, long seed) {
    this.architecture = architecture;
    this.seed = seed;
    random = new Random(seed);
    biases = architecture.equals("qwen2");
    if (architecture.startsWith("gemma")) {
      window = 12;
      tied = true;
    }
    if (architecture.equals("gpt2")) {
      kvHeads = heads;
    }
  }

  /** A small model of the plain shape. */
  public static TestModels of(String architecture, long seed) {
    return new TestModels(architecture, seed);
  }

  /** A small model whose shape and variants are drawn from the seed. */
  public static TestModels random(String architecture, long seed) {
    Random draw = new Random(seed * 31 + architecture.hashCode());
    TestModels model = of(architecture, seed);
    model.layers(2 + draw.nextInt(4));
    boolean gpt2 = architecture.equals("gpt2");
    int kv = 1 + draw.nextInt(3);
    int group = gpt2 ? 1 : 1 + draw.nextInt(3);
    model.heads(kv * group, kv);
    // GPT-2's heads share the embedding; the others' may be longer or shorter than their share.
    model.headLength = 8 * (1 + draw.nextInt(3));
    model.embedding = gpt2 ? model.heads * model.headLength : 32 * (1 + draw.nextInt(2));
    model.feedForward = 32 * (1 + draw.nextInt(3));
    model.vocabulary = 40 + draw.nextInt(100);
    model.tied = draw.nextBoolean() || architecture.startsWith("gemma");
    switch (architecture) {
      case "llama" -> model.llamaVariant(draw.nextInt(6));
      case "phi3" -> {
        model.window = draw.nextBoolean() ? 3 + draw.nextInt(9) : 0;
        if (draw.nextBoolean()) {
          model.longRope(draw.nextBoolean() ? 16 : 512);
        }
      }
      case "sluice" -> {
        if (draw.nextBoolean()) {
          model.sinusoidal();
        }
        if (draw.nextBoolean()) {
          model.plainGelu();
        }
      }
      case "gemma2", "gemma3" -> model.window = 2 + draw.nextInt(10);
      default -> {}
    }
    if (architecture.equals("gemma3") && draw.nextBoolean()) {
      model.linear(8);
    }
    return model;
  }

  private void llamaVariant(int variant) {
    switch (variant) {
      case 0 -> llama3Factors();
      case 1 -> yarn(4, 32);
      case 2 -> linear(2);
      case 3 -> sinusoidal();
      case 4 -> biases();
      default -> window(6);
    }
  }

  public TestModels layers(int value) {
    layers = value;
    return this;
  }

  public TestModels heads(int heads, int kvHeads) {
    this.heads = heads;
    this.kvHeads = kvHeads;
    return this;
  }

  public TestModels headLength(int value) {
    headLength = value;
    return this;
  }

  public TestModels embedding(int value) {
    embedding = value;
    return this;
  }

  public TestModels feedForward(int value) {
    feedForward = value;
    return this;
  }

  public TestModels vocabulary(int value) {
    vocabulary = value;
    return this;
  }

  public TestModels context(int value) {
    context = value;
    return this;
  }

  /** A sliding window; 0 for none. */
  public TestModels window(int value) {
    window = value;
    return this;
  }

  public TestModels tied(boolean value) {
    tied = value;
    return this;
  }

  /** Biases on query, key, value and on the results of attention and feed-forward. */
  public TestModels biases() {
    biases = true;
    return this;
  }

  /** The type of all matrices whose rows are whole blocks; the others and vectors stay F32. */
  public TestModels type(GgmlType value) {
    type = value;
    return this;
  }

  /** Sine waves instead of rotary positions (llama and sluice). */
  public TestModels sinusoidal() {
    sinusoidal = true;
    return with(w -> w.string("sluice.position_encoding", "sinusoidal"), "sinusoidal");
  }

  /** A feed-forward without a gate (sluice only). */
  public TestModels plainGelu() {
    plainGelu = true;
    return with(w -> w.string("sluice.feed_forward", "gelu"), "plain gelu");
  }

  /** Llama 3's frequency factors. */
  public TestModels llama3Factors() {
    frequencyFactors = factors(1, 8);
    return this;
  }

  public TestModels linear(float factor) {
    return with(
        w ->
            w.string(architecture + ".rope.scaling.type", "linear")
                .float32(architecture + ".rope.scaling.factor", factor),
        "scaling");
  }

  public TestModels yarn(float factor, int originalContext) {
    return with(
        w ->
            w.string(architecture + ".rope.scaling.type", "yarn")
                .float32(architecture + ".rope.scaling.factor", factor)
                .uint32(architecture + ".rope.scaling.original_context_length", originalContext),
        "scaling");
  }

  /** LongRoPE's factor tensors. */
  public TestModels longRope(int originalContext) {
    longFactors = factors(2, 9);
    shortFactors = factors(1, 2);
    return with(
        w ->
            w.uint32(architecture + ".rope.scaling.original_context_length", originalContext)
                .float32(architecture + ".rope.scaling.attn_factor", 1.19f),
        "scaling");
  }

  /** Anything else, done to the writer last; {@code name} replaces what had the same name. */
  public TestModels with(Consumer<GgufWriter> change, String name) {
    extras.put(name, change);
    return this;
  }

  /** The file's metadata and tensors, not yet written. */
  public GgufWriter writer() {
    random = new Random(seed);
    GgufWriter writer = new GgufWriter();
    metadata(writer);
    tensors(writer);
    extras.values().forEach(change -> change.accept(writer));
    return writer;
  }

  /** Writes the model to a file of its own in {@code folder}. */
  public Path write(Path folder) {
    Path file = folder.resolve(architecture + "-" + Long.toHexString(seed) + ".gguf");
    writer().write(file);
    return file;
  }

  @Override
  public String toString() {
    return architecture + " (seed " + seed + ", " + layers + " layers, " + extras.keySet() + ")";
  }

  private void metadata(GgufWriter w) {
    String a = architecture + ".";
    w.string("general.architecture", architecture)
        .string("general.name", "random-" + architecture)
        .uint32(a + "context_length", context)
        .uint32(a + "embedding_length", embedding)
        .uint32(a + "block_count", layers)
        .uint32(a + "feed_forward_length", feedForward)
        .uint32(a + "attention.head_count", heads)
        .uint32(a + "attention.head_count_kv", kvHeads)
        .uint32(a + "vocab_size", vocabulary);
    if (architecture.equals("gpt2")) {
      w.float32(a + "attention.layer_norm_epsilon", 1e-5f);
      return;
    }
    w.float32(a + "attention.layer_norm_rms_epsilon", 1e-5f)
        .float32(a + "rope.freq_base", architecture.equals("gemma3") ? 100_000 : 10_000)
        .uint32(a + "rope.dimension_count", headLength)
        .uint32(a + "attention.key_length", headLength)
        .uint32(a + "attention.value_length", headLength);
    if (window > 0) {
      w.uint32(a + "attention.sliding_window", window);
    }
    if (architecture.equals("gemma2")) {
      w.float32(a + "attn_logit_softcapping", 2).float32(a + "final_logit_softcapping", 3);
    }
  }

  private void tensors(GgufWriter w) {
    boolean gpt2 = architecture.equals("gpt2");
    boolean gemma = architecture.startsWith("gemma");
    matrix(w, "token_embd.weight", vocabulary, embedding, gemma ? 1 : Math.sqrt(embedding) / 2);
    if (gpt2) {
      w.tensor("position_embd.weight", normal(context * embedding, 0, 0.1), embedding, context);
    }
    factorTensor(w, "rope_freqs.weight", sinusoidal ? new float[0] : frequencyFactors);
    factorTensor(w, "rope_factors_long.weight", longFactors);
    factorTensor(w, "rope_factors_short.weight", shortFactors);
    for (int layer = 0; layer < layers; layer++) {
      String b = "blk." + layer + ".";
      norm(w, b + "attn_norm", embedding, gpt2);
      attention(w, b, gpt2);
      if (gemma) {
        norm(w, b + "post_attention_norm", embedding, false);
      }
      norm(w, b + "ffn_norm", embedding, gpt2);
      feedForward(w, b, gpt2);
      if (gemma) {
        norm(w, b + "post_ffw_norm", embedding, false);
      }
    }
    norm(w, "output_norm", embedding, gpt2);
    if (!tied) {
      matrix(w, "output.weight", vocabulary, embedding, 2);
    }
  }

  private void attention(GgufWriter w, String b, boolean gpt2) {
    int queries = heads * headLength;
    int keys = kvHeads * headLength;
    if (gpt2 || architecture.equals("phi3")) {
      linear(w, b + "attn_qkv", queries + 2 * keys, embedding, gpt2 || biases);
    } else {
      linear(w, b + "attn_q", queries, embedding, biases);
      linear(w, b + "attn_k", keys, embedding, biases);
      linear(w, b + "attn_v", keys, embedding, biases);
    }
    if (architecture.equals("qwen3") || architecture.equals("gemma3")) {
      norm(w, b + "attn_q_norm", headLength, false);
      norm(w, b + "attn_k_norm", headLength, false);
    }
    linear(
        w, b + "attn_output", embedding, queries, gpt2 || (biases && architecture.equals("llama")));
  }

  private void feedForward(GgufWriter w, String b, boolean gpt2) {
    boolean bias = gpt2 || (biases && architecture.equals("llama"));
    if (gpt2) {
      linear(w, b + "ffn_up", feedForward, embedding, true);
    } else if (architecture.equals("phi3")) {
      linear(w, b + "ffn_up", 2 * feedForward, embedding, false);
    } else if (plainGelu) {
      linear(w, b + "ffn_up", feedForward, embedding, false);
    } else {
      linear(w, b + "ffn_gate", feedForward, embedding, bias);
      linear(w, b + "ffn_up", feedForward, embedding, bias);
    }
    linear(w, b + "ffn_down", embedding, feedForward, bias);
  }

  private void linear(GgufWriter w, String name, int rows, int columns, boolean bias) {
    matrix(w, name + ".weight", rows, columns, 1);
    if (bias) {
      w.tensor(name + ".bias", normal(rows, 0, 0.1), rows);
    }
  }

  private void matrix(GgufWriter w, String name, int rows, int columns, double gain) {
    GgmlType fitting = columns % type.blockSize() == 0 ? type : GgmlType.F32;
    w.tensor(name, fitting, normal(rows * columns, 0, gain / Math.sqrt(columns)), columns, rows);
  }

  private void norm(GgufWriter w, String name, int length, boolean bias) {
    w.tensor(name + ".weight", normal(length, 1, 0.1), length);
    if (bias) {
      w.tensor(name + ".bias", normal(length, 0, 0.1), length);
    }
  }

  private static void factorTensor(GgufWriter w, String name, float[] values) {
    if (values.length > 0) {
      w.tensor(name, values, values.length);
    }
  }

  private float[] factors(double from, double to) {
    float[] values = new float[headLength / 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (from + (to - from) * i / Math.max(1, values.length - 1));
    }
    return values;
  }

  private float[] normal(int count, double mean, double spread) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (mean + spread * random.nextGaussian());
    }
    return values;
  }
}
