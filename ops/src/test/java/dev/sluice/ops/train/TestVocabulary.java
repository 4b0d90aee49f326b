package dev.sluice.ops.train;

import dev.sluice.model.gguf.GgufWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A vocabulary of bytes, letters and the special tokens of a chat, in a file of its own. */
public final class TestVocabulary {
  public static final String TEMPLATE =
      "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
          + "{% if add_generation_prompt %}<|assistant|>{% endif %}";
  private static final List<String> SPECIAL =
      List.of("<unk>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>");
  private static final int CONTROL = 3;
  private static final int BYTE = 6;

  private TestVocabulary() {}

  /** Writes it, with a chat template. */
  public static Path write(Path file, String template) {
    List<String> tokens = new ArrayList<>(SPECIAL);
    for (int value = 0; value < 256; value++) {
      tokens.add("<0x%02X>".formatted(value));
    }
    tokens.add("▁");
    for (char letter = 'a'; letter <= 'z'; letter++) {
      tokens.add(String.valueOf(letter));
    }
    int[] types = new int[tokens.size()];
    float[] scores = new float[tokens.size()];
    for (int id = 0; id < types.length; id++) {
      int first = SPECIAL.size();
      types[id] = id == 0 ? 2 : id < first ? CONTROL : id < first + 256 ? BYTE : 1;
    }
    new GgufWriter()
        .string("general.architecture", "llama")
        .string("tokenizer.ggml.model", "llama")
        .strings("tokenizer.ggml.tokens", tokens)
        .float32s("tokenizer.ggml.scores", scores)
        .int32s("tokenizer.ggml.token_type", types)
        .uint32("tokenizer.ggml.bos_token_id", 1)
        .uint32("tokenizer.ggml.eos_token_id", 2)
        .bool("tokenizer.ggml.add_bos_token", true)
        .bool("tokenizer.ggml.add_space_prefix", false)
        .string("tokenizer.chat_template", template)
        .write(file);
    return file;
  }
}
