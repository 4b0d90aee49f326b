package dev.sluice.stages.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/**
 * What kind of vocabulary to learn. Immutable.
 *
 * @param type the kind of tokenizer
 * @param size how many tokens it has in the end, special ones counted
 * @param preTokenizer where byte-level BPE cuts text, by its name in {@code tokenizer.ggml.pre}
 * @param minFrequency pairs of tokens that are less often in the text are not joined
 * @param special control tokens, in the order of their ids, which are the first; {@link #bos} and
 *     the others may be among them and are put in front where they are not
 * @param bos begins a text (WordPiece: CLS), if any
 * @param eos ends a text (WordPiece: SEP), if any
 * @param unknown stands for what cannot be encoded, if any
 * @param padding fills up, if any
 * @param chatTemplate a Jinja template for conversations, if any
 */
public record TokenizerOptions(
    Type type,
    int size,
    String preTokenizer,
    long minFrequency,
    List<String> special,
    @Nullable String bos,
    @Nullable String eos,
    @Nullable String unknown,
    @Nullable String padding,
    @Nullable String chatTemplate) {

  /** The most tokens of a vocabulary. */
  public static final int MAX_SIZE = 1 << 20;

  /** Kinds of tokenizers that can be learnt. */
  public enum Type {
    /** Byte-level byte-pair encoding. */
    BPE,
    /** WordPiece. */
    WORDPIECE,
    /** SentencePiece's BPE with bytes for characters that are rare. */
    SPM
  }

  private static final int MAX_SPECIAL_BYTES = 128;

  /**
   * Checks the values.
   *
   * @throws TokenizerTrainingException naming the value that is not possible
   */
  public TokenizerOptions {
    if (size < 1 || size > MAX_SIZE) {
      throw new TokenizerTrainingException(
          "a vocabulary of " + size + " tokens is not possible; it may have 1 to " + MAX_SIZE);
    }
    if (minFrequency < 1) {
      throw new TokenizerTrainingException(
          "a frequency of " + minFrequency + " is not possible; the least is 1");
    }
    if (type == Type.BPE && PreTokenizer.named(preTokenizer).isEmpty()) {
      throw new TokenizerTrainingException(
          "\"" + preTokenizer + "\" is no known pre-tokenizer; known are " + PreTokenizer.KNOWN);
    }
    SequencedSet<String> names = new LinkedHashSet<>();
    for (String name : special) {
      if (!names.add(name)) {
        throw new TokenizerTrainingException("the special token \"" + name + "\" is given twice");
      }
    }
    List<String> front = new ArrayList<>();
    for (String name : new @Nullable String[] {unknown, bos, eos, padding}) {
      if (name != null && names.add(name)) {
        front.add(name);
      }
    }
    for (String name : names) {
      int bytes = name.getBytes(StandardCharsets.UTF_8).length;
      if (name.isBlank() || bytes > MAX_SPECIAL_BYTES) {
        throw new TokenizerTrainingException(
            "a special token of %d bytes is not possible: \"%s\"; 1 to %d bytes are"
                .formatted(bytes, name, MAX_SPECIAL_BYTES));
      }
    }
    front.addAll(special);
    special = List.copyOf(front);
  }

  /** Options of a kind with nothing special: no control tokens but those that the kind needs. */
  public static Builder builder(Type type, int size) {
    return new Builder(type, size);
  }

  /** Gathers options. For one thread. */
  public static final class Builder {
    private final Type type;
    private final int size;
    private String preTokenizer = "gpt-2";
    private long minFrequency = 2;
    private List<String> special = List.of();
    private @Nullable String bos;
    private @Nullable String eos;
    private @Nullable String unknown;
    private @Nullable String padding;
    private @Nullable String chatTemplate;

    private Builder(Type type, int size) {
      this.type = Objects.requireNonNull(type, "type");
      this.size = size;
      switch (type) {
        case BPE -> {}
        case SPM -> {
          unknown = "<unk>";
          bos = "<s>";
          eos = "</s>";
        }
        case WORDPIECE -> {
          unknown = "[UNK]";
          bos = "[CLS]";
          eos = "[SEP]";
          padding = "[PAD]";
        }
      }
    }

    /** {@link TokenizerOptions#preTokenizer}; {@code gpt-2} unless given. */
    public Builder preTokenizer(String name) {
      preTokenizer = name;
      return this;
    }

    /** {@link TokenizerOptions#minFrequency}; 2 unless given. */
    public Builder minFrequency(long count) {
      minFrequency = count;
      return this;
    }

    /** {@link TokenizerOptions#special}. */
    public Builder special(List<String> tokens) {
      special = List.copyOf(tokens);
      return this;
    }

    /** {@link TokenizerOptions#bos}; null leaves it as it is. */
    public Builder bos(@Nullable String token) {
      bos = token == null ? bos : token;
      return this;
    }

    /** {@link TokenizerOptions#eos}; null leaves it as it is. */
    public Builder eos(@Nullable String token) {
      eos = token == null ? eos : token;
      return this;
    }

    /** {@link TokenizerOptions#unknown}; null leaves it as it is. */
    public Builder unknown(@Nullable String token) {
      unknown = token == null ? unknown : token;
      return this;
    }

    /** {@link TokenizerOptions#padding}; null leaves it as it is. */
    public Builder padding(@Nullable String token) {
      padding = token == null ? padding : token;
      return this;
    }

    /** {@link TokenizerOptions#chatTemplate}. */
    public Builder chatTemplate(@Nullable String template) {
      chatTemplate = template;
      return this;
    }

    /**
     * The options.
     *
     * @throws TokenizerTrainingException naming the value that is not possible
     */
    public TokenizerOptions build() {
      return new TokenizerOptions(
          type,
          size,
          preTokenizer,
          minFrequency,
          special,
          bos,
          eos,
          unknown,
          padding,
          chatTemplate);
    }
  }
}
