package dev.sluice.actors;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufWriter;
import java.nio.file.Path;
import java.util.Random;

/** Writes a llama of a few thousand seeded random weights, so that these tests run anywhere. */
final class TinyModel {
  static final int VOCABULARY = 96;
  static final int CONTEXT = 160;

  private static final int EMBEDDING = 64;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int HEAD = 16;
  private static final int FEED_FORWARD = 96;

  private TinyModel() {}

  /** A model file in {@code folder}; matrices are of {@code type}. */
  static Path write(Path folder, int layers, GgmlType type, long seed) {
    Random random = new Random(seed);
    GgufWriter w =
        new GgufWriter()
            .string("general.architecture", "llama")
            .string("general.name", "tiny")
            .uint32("llama.context_length", CONTEXT)
            .uint32("llama.embedding_length", EMBEDDING)
            .uint32("llama.block_count", layers)
            .uint32("llama.feed_forward_length", FEED_FORWARD)
            .uint32("llama.attention.head_count", HEADS)
            .uint32("llama.attention.head_count_kv", KV_HEADS)
            .uint32("llama.vocab_size", VOCABULARY)
            .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .float32("llama.rope.freq_base", 10_000)
            .uint32("llama.rope.dimension_count", HEAD);
    matrix(w, type, random, "token_embd.weight", VOCABULARY, EMBEDDING, 4);
    for (int layer = 0; layer < layers; layer++) {
      String b = "blk." + layer + ".";
      norm(w, random, b + "attn_norm.weight");
      matrix(w, type, random, b + "attn_q.weight", HEADS * HEAD, EMBEDDING, 1);
      matrix(w, type, random, b + "attn_k.weight", KV_HEADS * HEAD, EMBEDDING, 1);
      matrix(w, type, random, b + "attn_v.weight", KV_HEADS * HEAD, EMBEDDING, 1);
      matrix(w, type, random, b + "attn_output.weight", EMBEDDING, HEADS * HEAD, 1);
      norm(w, random, b + "ffn_norm.weight");
      matrix(w, type, random, b + "ffn_gate.weight", FEED_FORWARD, EMBEDDING, 1);
      matrix(w, type, random, b + "ffn_up.weight", FEED_FORWARD, EMBEDDING, 1);
      matrix(w, type, random, b + "ffn_down.weight", EMBEDDING, FEED_FORWARD, 1);
    }
    norm(w, random, "output_norm.weight");
    matrix(w, type, random, "output.weight", VOCABULARY, EMBEDDING, 2);
    Path file = folder.resolve("tiny-" + layers + "-" + type + "-" + seed + ".gguf");
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

  private static void norm(GgufWriter w, Random random, String name) {
    float[] values = new float[EMBEDDING];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (1 + 0.1 * random.nextGaussian());
    }
    w.tensor(name, values, EMBEDDING);
  }
}
