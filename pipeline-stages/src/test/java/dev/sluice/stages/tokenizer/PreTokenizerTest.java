package dev.sluice.stages.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules written by hand against the regular expressions that they are for. */
class PreTokenizerTest {
  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String END = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String GPT_2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
  private static final String SMALL_PUNCTUATION = "[\\p{P}$+<=>^~|]+";

  /** What each name's expressions are; of several, each splits what those before it have left. */
  private static final Map<String, List<String>> EXPRESSIONS =
      Map.of(
          "gpt-2", List.of(GPT_2),
          "starcoder", List.of("\\p{N}", GPT_2),
          "falcon", List.of("[\\p{P}$+<=>^~|`]+", GPT_2, "[0-9][0-9][0-9]"),
          "default", List.of(SMALL_PUNCTUATION, GPT_2, "\\p{N}+", "[0-9][0-9][0-9]"),
          "llama-bpe",
              List.of(
                  CONTRACTIONS
                      + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                      + END),
          "qwen2",
              List.of(
                  CONTRACTIONS
                      + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                      + END),
          "qwen35",
              List.of(
                  CONTRACTIONS
                      + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                      + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*"
                      + END),
          "tekken", List.of(cased("", "\\p{N}")),
          "gpt-4o", List.of(cased(CONTRACTIONS + "?", "\\p{N}{1,3}")),
          "deepseek-v3",
              List.of(
                  "\\p{N}{1,3}",
                  "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{30FF}]+",
                  "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
                      + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*"
                      + END));

  private static String cased(String behind, String numbers) {
    String lead = "[^\\r\\n\\p{L}\\p{N}]?";
    return lead
        + (UPPER + "*" + LOWER + "+" + behind)
        + ("|" + lead + UPPER + "+" + LOWER + "*" + behind)
        + ("|" + numbers + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*")
        + END;
  }

  @Property(tries = 3000)
  void shouldSplitAsTheExpressionsDo(@ForAll("texts") String text) {
    EXPRESSIONS.forEach(
        (name, expressions) ->
            assertThat(split(name, text)).as(name).isEqualTo(byExpressions(expressions, text)));
  }

  @Provide
  Arbitrary<String> texts() {
    Arbitrary<String> pieces =
        Arbitraries.of(
            "a", "B", "zz", "Ab", "'s", "'RE", "'ll", "'", " ", "  ", "\n", "\r\n", "\t", "1",
            "234", "٣", "½", "!", "/", "...", "$", "_", "`", "é", "É", "ǅ", "ʰ", "中", "文", "か",
            "\u0301", "\u00A0", "\u3000", "😀", "\u200D", "𝐀", "\u0000", "Ⅷ", "한", "ﬀ", "ก", "ि");
    return pieces.list().ofMaxSize(12).map(parts -> String.join("", parts));
  }

  private static List<String> split(String name, String text) {
    int[] points = Utf8.codePoints(text, 0, text.length());
    IntList ends = PreTokenizer.named(name).orElseThrow().split(points);
    List<String> pieces = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < ends.size(); i++) {
      pieces.add(new String(points, from, ends.get(i) - from));
      from = ends.get(i);
    }
    return pieces;
  }

  private static List<String> byExpressions(List<String> expressions, String text) {
    List<String> pieces = text.isEmpty() ? List.of() : List.of(text);
    for (String expression : expressions) {
      // \s is Unicode's White_Space here, as where these vocabularies were made.
      Pattern pattern =
          Pattern.compile(
              expression
                  .replace("[^\\s", "[^\\p{IsWhite_Space}")
                  .replace("\\s", "\\p{IsWhite_Space}")
                  .replace("(?!\\S)", "(?!\\P{IsWhite_Space})"));
      List<String> finer = new ArrayList<>();
      for (String piece : pieces) {
        Matcher matcher = pattern.matcher(piece);
        int done = 0;
        while (matcher.find()) {
          if (matcher.start() > done) {
            finer.add(piece.substring(done, matcher.start()));
          }
          finer.add(matcher.group());
          done = matcher.end();
        }
        if (done < piece.length()) {
          finer.add(piece.substring(done));
        }
      }
      pieces = finer;
    }
    return pieces;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "deepseek-llm#Hi  there,中文 12a#Hi| | there|,|中文| |12|a",
        "deepseek-coder#Hi 12, x#Hi| |1|2|,| x",
        "bloom#a b.c 12#a| b|.|c| 12",
        "viking#a b12#a| b|1|2",
        "seed-coder#a 12!b#a| |1|2|!b",
      })
  void shouldSplitSmallTexts(String name, String text, String pieces) {
    assertThat(String.join("|", split(name, text))).isEqualTo(pieces);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gpt-2", "deepseek-llm", "falcon", "starcoder", "llama-bpe", "qwen2", "mpt", "refact",
        "deepseek-coder", "command-r", "smollm", "default", "olmo", "dbrx", "gpt-4o", "tekken",
        "llama3", "llama-v3", "phi-2", "stablelm2", "chatglm-bpe", "poro-chat", "glm4"
      })
  void shouldKnowTheNamesOfCommonModels(String name) {
    assertThat(PreTokenizer.named(name)).isPresent();
  }

  @Test
  void shouldNotKnowOthers() {
    assertThat(PreTokenizer.named("no-such")).isEmpty();
  }
}
