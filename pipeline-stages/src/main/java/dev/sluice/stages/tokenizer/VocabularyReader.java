package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.ModelFileException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;

/** Reads and checks what all kinds of tokenizers have in a model file. */
final class VocabularyReader {

  /**
   * What a kind of tokenizer has where the file says nothing.
   *
   * @param bos the id of BOS, or of CLS
   * @param end the id of EOS, or of SEP
   * @param unknown the id of the unknown token
   * @param addBos whether texts begin with {@code bos}
   * @param addEnd whether texts end with {@code end}
   * @param bert whether it is CLS and SEP, which have keys of their own
   */
  record Defaults(int bos, int end, int unknown, boolean addBos, boolean addEnd, boolean bert) {}

  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String TYPES = "tokenizer.ggml.token_type";
  private static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
  private static final String ADD_EOS = "tokenizer.ggml.add_eos_token";
  private static final String ADD_SEP = "tokenizer.ggml.add_sep_token";
  private static final String BOS = "tokenizer.ggml.bos_token_id";
  private static final String EOS = "tokenizer.ggml.eos_token_id";
  private static final String CLS = "tokenizer.ggml.cls_token_id";
  // The key has been misspelt since the first such file.
  private static final String SEP = "tokenizer.ggml.seperator_token_id";
  private static final String UNKNOWN = "tokenizer.ggml.unknown_token_id";
  private static final List<String> END_IDS =
      List.of("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id");

  /**
   * Tokens after which a model has said all, by what they are called: files name only one of theirs
   * by id. They are control tokens whatever type the file gives them, so that a user's text cannot
   * hold them.
   */
  private static final Set<String> END_NAMES =
      Set.of(
          "<|eot_id|>",
          "<|eom_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "<|end▁of▁sentence|>",
          "<｜end▁of▁sentence｜>",
          "<end_of_turn>",
          "<end_of_utterance>",
          "<eos>",
          "</s>",
          "<EOT>",
          "_<EOT>",
          "[EOT]",
          "[EOS]",
          "<|fim_pad|>",
          "<|repo_name|>",
          "<|file_sep|>");

  private final GgufMetadata metadata;
  private final byte[] types;
  private final Vocabulary vocabulary;
  private final BitSet ends = new BitSet();

  VocabularyReader(GgufMetadata metadata) {
    this.metadata = metadata;
    byte[][] pieces = metadata.byteStrings(TOKENS);
    if (pieces.length == 0) {
      throw bad(TOKENS, "there are no tokens");
    }
    types = types(pieces);
    vocabulary = new Vocabulary(pieces, types);
    for (String name : END_NAMES) {
      int id = vocabulary.find(name);
      if (id != Vocabulary.NONE) {
        ends.set(id);
        types[id] = TokenType.CONTROL;
      }
    }
    // OpenAI's open models end messages with <|end|> and go on; they stop at <|return|> and
    // <|call|>.
    if (vocabulary.find("<|return|>") >= 0 && vocabulary.find("<|call|>") >= 0) {
      int end = vocabulary.find("<|end|>");
      ends.clear(Math.max(end, 0), end + 1);
    }
  }

  int size() {
    return vocabulary.size();
  }

  Vocabulary vocabulary() {
    return vocabulary;
  }

  /** The tokens around a text. */
  SpecialIds special(Defaults defaults) {
    int bos = id(BOS, defaults.bert() ? id(CLS, defaults.bos()) : defaults.bos());
    int end = defaults.bert() ? id(SEP, defaults.end()) : id(EOS, defaults.end());
    int eos = id(EOS, defaults.bert() ? Vocabulary.NONE : defaults.end());
    int unknown = id(UNKNOWN, defaults.unknown());
    String addEnd = defaults.bert() ? ADD_SEP : ADD_EOS;
    if (!metadata.has(TYPES)) {
      for (int id : new int[] {bos, end, eos, unknown}) {
        if (id != Vocabulary.NONE) {
          types[id] = id == unknown ? TokenType.UNKNOWN : TokenType.CONTROL;
        }
      }
    }
    if (eos != Vocabulary.NONE) {
      ends.set(eos);
    }
    for (String key : END_IDS) {
      int id = id(key, Vocabulary.NONE);
      if (id != Vocabulary.NONE) {
        ends.set(id);
      }
    }
    return new SpecialIds(
        bos,
        eos,
        end,
        unknown,
        adds(ADD_BOS, defaults.addBos(), bos, BOS),
        adds(addEnd, defaults.addEnd(), end, defaults.bert() ? SEP : EOS),
        ends,
        takesSpaceBehind());
  }

  ModelFileException lengthsDiffer(String key, int length) {
    return bad(key, "it has " + length + " entries, " + TOKENS + " has " + vocabulary.size());
  }

  private ModelFileException bad(String key, String problem) {
    return new ModelFileException(metadata.file(), key + ": " + problem);
  }

  private byte[] types(byte[][] pieces) {
    byte[] read = new byte[pieces.length];
    if (!metadata.has(TYPES)) {
      Arrays.fill(read, TokenType.NORMAL);
      return read;
    }
    int[] given = metadata.integers(TYPES);
    if (given.length != pieces.length) {
      throw bad(TYPES, "it has " + given.length + " entries, " + TOKENS + " has " + pieces.length);
    }
    for (int id = 0; id < given.length; id++) {
      if (given[id] < TokenType.UNDEFINED || given[id] > TokenType.BYTE) {
        throw bad(TYPES, "token " + id + " is of the unknown type " + given[id]);
      }
      read[id] = (byte) given[id];
      if (read[id] == TokenType.BYTE && !ByteTokens.is(pieces[id])) {
        throw bad(TYPES, "token " + id + " is a byte, but is not written like <0x0A>");
      }
    }
    return read;
  }

  /** A token's id by its key; a default that the vocabulary is too small for does not count. */
  private int id(String key, int otherwise) {
    OptionalLong given = metadata.findInteger(key);
    if (given.isEmpty()) {
      return otherwise < vocabulary.size() ? otherwise : Vocabulary.NONE;
    }
    long id = given.getAsLong();
    if (id < 0 || id >= vocabulary.size()) {
      throw bad(key, "token " + id + " does not exist: there are " + vocabulary.size());
    }
    return (int) id;
  }

  private boolean adds(String key, boolean otherwise, int id, String idKey) {
    boolean adds = metadata.bool(key, otherwise);
    if (adds && id == Vocabulary.NONE && metadata.has(key)) {
      throw bad(key, "it is true, but " + idKey + " is missing");
    }
    return adds && id != Vocabulary.NONE;
  }

  /**
   * Phi-3's tokens swallow the white space behind them, all but three. Files do not say so; its
   * name has to.
   */
  private BitSet takesSpaceBehind() {
    BitSet takes = new BitSet();
    String name = metadata.findString("general.name").orElse("").toLowerCase(Locale.ROOT);
    if (name.contains("phi-3") || name.contains("phi3")) {
      for (int id = 0; id < types.length; id++) {
        if (types[id] == TokenType.CONTROL
            || types[id] == TokenType.UNKNOWN
            || types[id] == TokenType.USER_DEFINED) {
          takes.set(id);
        }
      }
      for (String not : List.of("<unk>", "<s>", "<|endoftext|>")) {
        int id = vocabulary.find(not);
        takes.clear(Math.max(id, 0), id + 1);
      }
    }
    return takes;
  }
}
