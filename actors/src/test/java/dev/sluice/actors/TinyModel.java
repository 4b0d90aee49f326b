package dev.sluice.actors;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufWriter;
import java.nio.file.Path;
import java.util.Random;

/** Writes a llama of seeded random weights, by default of a few thousand, to run anywhere. */
public final class TinyModel {
  static final int VOCABULARY = 96;
  static final int CONTEXT = 160;

  /** The sizes of a model. */
  record Shape(
      int layers,
      int embedding,
      int heads,
      int kvHeads,
      int feedForward,
      int vocabulary,
      int context) {
    int head() {
      return embedding / heads;
    }
  }

  private TinyModel() {}

  /** A model file in {@code folder}; matrices are of {@code type}. */
  public static Path write(Path folder, int layers, GgmlType type, long seed) {
    return write(folder, new Shape(layers, 64, 4, 2, 96, VOCABULARY, CONTEXT), type, seed);
  }

  /** A model file of a shape. */
  static Path write(Path folder, Shape shape, GgmlType type, long seed) {
    int embedding = shape.embedding();
    int keys = shape.kvHeads() * shape.head();
    Random random = new Random(seed);
    GgufWriter w =
        new GgufWriter()
            .string("general.architecture", "llama")
            .string("general.name", "tiny")
            .uint32("llama.context_length", shape.context())
            .uint32("llama.embedding_length", embedding)
            .uint32("llama.block_count", shape.layers())
            .uint32("llama.feed_forward_length", shape.feedForward())
            .uint32("llama.attention.head_count", shape.heads())
            .uint32("llama.attention.head_count_kv", shape.kvHeads())
            .uint32("llama.vocab_size", shape.vocabulary())
            .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .float32("llama.rope.freq_base", 10_000)
            .uint32("llama.rope.dimension_count", shape.head());
    matrix(w, type, random, "token_embd.weight", shape.vocabulary(), embedding, 4);
    for (int layer = 0; layer < shape.layers(); layer++) {
      String b = "blk." + layer + ".";
      norm(w, random, b + "attn_norm.weight", embedding);
      matrix(w, type, random, b + "attn_q.weight", embedding, embedding, 1);
      matrix(w, type, random, b + "attn_k.weight", keys, embedding, 1);
      matrix(w, type, random, b + "attn_v.weight", keys, embedding, 1);
      matrix(w, type, random, b + "attn_output.weight", embedding, embedding, 1);
      norm(w, random, b + "ffn_norm.weight", embedding);
      matrix(w, type, random, b + "ffn_gate.weight", shape.feedForward(), embedding, 1);
      matrix(w, type, random, b + "ffn_up.weight", shape.feedForward(), embedding, 1);
      matrix(w, type, random, b + "ffn_down.weight", embedding, shape.feedForward(), 1);
    }
    norm(w, random, "output_norm.weight", embedding);
    matrix(w, type, random, "output.weight", shape.vocabulary(), embedding, 2);
    Path file = folder.resolve("tiny-" + shape.layers() + "-" + type + "-" + seed + ".gguf");
    w.write(file);
    return file;
  }

  private static void matrix(
      GgufWriter w, GgmlType type, Random random, String name, int rows, int columns, double gain) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (gain / Math.sqrt(columns) * random.nextGaussian());
    }
    w.tensor(name, type, values, columns, rows);
  }

  private static void norm(GgufWriter w, Random random, String name, int length) {
    float[] values = new float[length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (1 + 0.1 * random.nextGaussian());
    }
    w.tensor(name, values, length);
  }
}
