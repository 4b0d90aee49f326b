package dev.sluice.actors.weights;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufWriter;
import java.nio.file.Path;
import java.util.List;

/** A llama of some 14 MB, whose layers take a chunk or so each. */
final class WideModel {
  private static final int WIDTH = 512;
  private static final int LAYERS = 4;

  private WideModel() {}

  static Path write(Path folder) {
    GgufWriter w =
        new GgufWriter()
            .string("general.architecture", "llama")
            .uint32("llama.context_length", 64)
            .uint32("llama.embedding_length", WIDTH)
            .uint32("llama.block_count", LAYERS)
            .uint32("llama.feed_forward_length", WIDTH)
            .uint32("llama.attention.head_count", 4)
            .uint32("llama.vocab_size", WIDTH)
            .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    matrix(w, "token_embd.weight");
    for (int layer = 0; layer < LAYERS; layer++) {
      for (String part : List.of("attn_q", "ffn_up", "ffn_down")) {
        matrix(w, "blk." + layer + "." + part + ".weight");
      }
    }
    matrix(w, "output.weight");
    Path file = folder.resolve("model.gguf");
    w.write(file);
    return file;
  }

  private static void matrix(GgufWriter w, String name) {
    float[] values = new float[WIDTH * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = name.hashCode() + i * 0.5f;
    }
    w.tensor(name, GgmlType.F32, values, WIDTH, WIDTH);
  }
}
