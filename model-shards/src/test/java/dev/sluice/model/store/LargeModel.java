package dev.sluice.model.store;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufWriter;
import java.nio.file.Path;

/** A llama whose layers take a few chunks each: 12 to 13 MB with three layers. */
final class LargeModel {
  private static final int EMBEDDING = 256;
  private static final int FEED_FORWARD = 1024;
  private static final int VOCABULARY = 512;

  private LargeModel() {}

  static Path write(Path folder, int layers, long seed) {
    Path file = folder.resolve("large-" + layers + "-" + seed + ".gguf");
    writer(layers, seed).write(file);
    return file;
  }

  static GgufWriter writer(int layers, long seed) {
    GgufWriter w =
        new GgufWriter()
            .string("general.architecture", "llama")
            .string("general.name", "large")
            .uint32("llama.context_length", 64)
            .uint32("llama.embedding_length", EMBEDDING)
            .uint32("llama.block_count", layers)
            .uint32("llama.feed_forward_length", FEED_FORWARD)
            .uint32("llama.attention.head_count", 4)
            .uint32("llama.attention.head_count_kv", 4)
            .uint32("llama.vocab_size", VOCABULARY)
            .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .float32("llama.rope.freq_base", 10_000)
            .uint32("llama.rope.dimension_count", 64);
    matrix(w, seed, "token_embd.weight", VOCABULARY, EMBEDDING);
    for (int layer = 0; layer < layers; layer++) {
      String b = "blk." + layer + ".";
      matrix(w, seed, b + "attn_norm.weight", 1, EMBEDDING);
      for (String part : new String[] {"attn_q", "attn_k", "attn_v", "attn_output"}) {
        matrix(w, seed + layer, b + part + ".weight", EMBEDDING, EMBEDDING);
      }
      matrix(w, seed, b + "ffn_norm.weight", 1, EMBEDDING);
      matrix(w, seed + layer, b + "ffn_gate.weight", FEED_FORWARD, EMBEDDING);
      matrix(w, seed + layer, b + "ffn_up.weight", FEED_FORWARD, EMBEDDING);
      matrix(w, seed + layer, b + "ffn_down.weight", EMBEDDING, FEED_FORWARD);
    }
    matrix(w, seed, "output_norm.weight", 1, EMBEDDING);
    matrix(w, seed, "output.weight", VOCABULARY, EMBEDDING);
    return w;
  }

  private static void matrix(GgufWriter w, long seed, String name, int rows, int columns) {
    float[] values = new float[rows * columns];
    long state = seed * 0x9e3779b97f4a7c15L + name.hashCode();
    for (int i = 0; i < values.length; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      values[i] = (state >> 40) * 0x1p-24f;
    }
    if (rows == 1) {
      w.tensor(name, values, columns);
    } else {
      w.tensor(name, GgmlType.F32, values, columns, rows);
    }
  }
}
