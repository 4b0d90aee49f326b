package dev.sluice.stages.tokenizer;

import java.util.List;
import java.util.Optional;

/**
 * How a byte-level BPE vocabulary cuts text before it merges bytes: rules, each applied to what the
 * rules before it have left; and what else goes with the name. Linear in the text.
 *
 * @param rules where to cut
 * @param ignoreMerges whether a piece that is a token as a whole becomes it without merging
 * @param addBos whether a text begins with BOS unless the file says otherwise
 */
record PreTokenizer(List<SplitRule> rules, boolean ignoreMerges, boolean addBos) {

  /** The names of {@code tokenizer.ggml.pre} that {@link #named} knows, for messages. */
  static final String KNOWN =
      "default, gpt-2, falcon, starcoder, refact, command-r, smollm, mpt, olmo, phi-2, llama-bpe,"
          + " qwen2, qwen35, deepseek-llm, deepseek-coder, deepseek-v3, tekken, gpt-4o, dbrx,"
          + " stablelm2, chatglm-bpe, seed-coder, bloom, viking and their kin";

  /** The pre-tokenizer of a name in {@code tokenizer.ggml.pre}, if it is known. */
  static Optional<PreTokenizer> named(String name) {
    return Optional.ofNullable(
        switch (name) {
          case "default" ->
              of(GptRules.PUNCTUATION, GptRules.WORDS, GptRules.NUMBERS, GptRules.THREE_DIGITS);
          case "gpt-2",
              "phi-2",
              "mpt",
              "olmo",
              "jais",
              "exaone4",
              "gigachat",
              "mellum",
              "modern-bert",
              "roberta-bpe",
              "jina-es",
              "jina-de",
              "jina-v1-en",
              "jina-v2-es",
              "jina-v2-de",
              "jina-v2-code",
              "trillion",
              "granite-docling",
              "a.x-4.0" ->
              of(GptRules.WORDS);
          case "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b" ->
              of(GptRules.EACH_NUMBER, GptRules.WORDS);
          case "falcon" ->
              of(GptRules.PUNCTUATION_AND_GRAVE, GptRules.WORDS, GptRules.THREE_DIGITS);
          case "llama3",
              "llama-v3",
              "llama-bpe",
              "falcon3",
              "falcon-h1",
              "pixtral",
              "midm-2.0",
              "lfm2" ->
              new PreTokenizer(List.of(WordRule.LLAMA3), true, true);
          case "dbrx", "smaug-bpe", "chatglm-bpe", "glm4" -> of(WordRule.LLAMA3);
          case "qwen2", "deepseek-r1-qwen", "megrez", "stablelm2", "hunyuan", "grok-2" ->
              of(WordRule.QWEN2);
          case "qwen35" -> of(WordRule.QWEN35);
          case "seed-coder" -> of(WordRule.SEED_CODER);
          case "tekken" -> new PreTokenizer(List.of(WordRule.TEKKEN), true, true);
          case "gpt-4o", "llama4", "kanana2" -> of(WordRule.GPT_4O);
          case "deepseek-llm" ->
              of(
                  DeepSeekRules.EACH_LINE_END,
                  DeepSeekRules.LISTED_LETTERS,
                  DeepSeekRules.LISTED_PUNCTUATION,
                  DeepSeekRules.SPACES_AT_END,
                  DeepSeekRules.EASTERN,
                  GptRules.NUMBERS);
          case "deepseek-coder" ->
              of(
                  DeepSeekRules.EACH_LINE_END,
                  DeepSeekRules.LETTERS,
                  DeepSeekRules.PUNCTUATION,
                  DeepSeekRules.EASTERN,
                  GptRules.EACH_NUMBER);
          case "deepseek-v3", "hunyuan-dense", "joyai-llm" ->
              of(DeepSeekRules.THREE_NUMBERS, DeepSeekRules.HAN_AND_KANA, DeepSeekRules.V3_WORDS);
          case "bloom", "poro-chat", "gpt3-finnish" -> of(GptRules.BLOOM);
          case "viking" -> of(GptRules.BLOOM, GptRules.EACH_NUMBER);
          default -> null;
        });
  }

  private static PreTokenizer of(SplitRule... rules) {
    return new PreTokenizer(List.of(rules), false, false);
  }

  /** Where the pieces of a text end, ascending; the last is the text's length. */
  IntList split(int[] text) {
    IntList ends = new IntList(text.length / 4);
    if (text.length > 0) {
      ends.add(text.length);
    }
    for (SplitRule rule : rules) {
      IntList finer = new IntList(ends.size() + text.length / 4);
      int from = 0;
      for (int i = 0; i < ends.size(); i++) {
        split(text, from, ends.get(i), rule, finer);
        from = ends.get(i);
      }
      ends = finer;
    }
    return ends;
  }

  /** Adds the ends of a rule's matches within a piece, and of the gaps between them. */
  private static void split(int[] text, int from, int to, SplitRule rule, IntList ends) {
    int done = from;
    int at = from;
    while (at < to) {
      int end = rule.match(text, at, to);
      if (end < 0) {
        at = ~end;
        continue;
      }
      if (at > done) {
        ends.add(at);
      }
      ends.add(end);
      done = end;
      at = end;
    }
    if (done < to) {
      ends.add(to);
    }
  }
}
