package dev.sluice.ops;

import dev.sluice.model.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * Goes once through what a start does, so that the launcher's archive of loaded classes (class-data
 * sharing) holds what later starts need. Writes a model of a few kilobytes for it.
 */
@Command(name = "startup-archive", hidden = true, description = "Goes once through a start.")
final class StartupArchive implements Callable<Integer> {
  private static final int VOCABULARY = 512;
  private static final int WIDTH = 32;
  private static final int FEED_FORWARD = 64;
  private static final int LAYERS = 3;

  /** Runs a small model as the command line would; 0 when that worked. */
  @Override
  public Integer call() throws IOException {
    Path model = Files.createTempFile("sluice-", ".gguf");
    int code;
    try {
      write(model);
      String path = model.toString();
      code = Sluice.execute("run", "-m", path, "--stages", "2", "-n", "8", "--json", "ab ba");
      code |= Sluice.execute("run", "-m", path, "--stats", "-n", "8", "ab ba");
      code |= Sluice.execute("tokenize", "-m", path, "--json", "ab ba");
      code |= Sluice.execute("plan", "-m", path, "--stages", "2");
    } finally {
      Files.deleteIfExists(model);
    }
    return code;
  }

  /** Writes the model: 3 layers, 512 tokens. */
  static void write(Path file) {
    write(file, WIDTH, FEED_FORWARD, LAYERS);
  }

  /** Writes a model of that shape, with random weights. */
  static void write(Path file, int width, int feedForward, int layers) {
    Random random = new Random(1);
    GgufWriter writer =
        new GgufWriter()
            .string("general.architecture", "llama")
            .string("general.name", "startup")
            .uint32("llama.context_length", 1024)
            .uint32("llama.embedding_length", width)
            .uint32("llama.block_count", layers)
            .uint32("llama.feed_forward_length", feedForward)
            .uint32("llama.attention.head_count", 2)
            .uint32("llama.attention.head_count_kv", 2)
            .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    vocabulary(writer);
    matrix(writer, random, "token_embd.weight", VOCABULARY, width);
    for (int layer = 0; layer < layers; layer++) {
      String prefix = "blk." + layer + ".";
      for (String name : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
        matrix(writer, random, prefix + name + ".weight", width, width);
      }
      matrix(writer, random, prefix + "ffn_gate.weight", feedForward, width);
      matrix(writer, random, prefix + "ffn_up.weight", feedForward, width);
      matrix(writer, random, prefix + "ffn_down.weight", width, feedForward);
      matrix(writer, random, prefix + "attn_norm.weight", 1, width);
      matrix(writer, random, prefix + "ffn_norm.weight", 1, width);
    }
    matrix(writer, random, "output_norm.weight", 1, width);
    writer.write(file);
  }

  /** A SentencePiece vocabulary: three control tokens, the 256 bytes, and some letters. */
  private static void vocabulary(GgufWriter writer) {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    int[] types = new int[VOCABULARY];
    float[] scores = new float[VOCABULARY];
    types[0] = 2;
    types[1] = 3;
    types[2] = 3;
    for (int value = 0; value < 256; value++) {
      types[tokens.size()] = 6;
      tokens.add(String.format("<0x%02X>", value));
    }
    while (tokens.size() < VOCABULARY) {
      int letter = tokens.size() - 259;
      types[tokens.size()] = 1;
      scores[tokens.size()] = -letter;
      tokens.add(
          letter == 0
              ? "▁"
              : letter <= 26 ? String.valueOf((char) ('a' + letter - 1)) : "▁" + letter);
    }
    writer
        .string("tokenizer.ggml.model", "llama")
        .strings("tokenizer.ggml.tokens", tokens)
        .float32s("tokenizer.ggml.scores", scores)
        .int32s("tokenizer.ggml.token_type", types)
        .uint32("tokenizer.ggml.bos_token_id", 1)
        .uint32("tokenizer.ggml.eos_token_id", 2);
  }

  private static void matrix(GgufWriter writer, Random random, String name, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() / 4;
    }
    if (rows == 1) {
      writer.tensor(name, values, columns);
    } else {
      writer.tensor(name, values, columns, rows);
    }
  }
}
