package dev.sluice.stages.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sluice.model.gguf.GgufFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class TokenizerTrainerTest {
  private static final String TEXT =
      "low low low low low lower lower newest newest newest newest newest newest widest widest"
          + " widest";

  @Test
  void shouldJoinTheMostFrequentPairFirst() {
    // The example of Sennrich, Haddow and Birch, with the space that GPT-2 puts before words; a
    // space comes before letters where pairs are there equally often.
    Learnt learnt = learn(options(TokenizerOptions.Type.BPE, 256 + 6), TEXT);
    assertThat(learnt.merges()).startsWith("e s", "es t", "l o", "lo w", "Ġ n", "Ġ low");
    assertThat(IntStream.range(256, 262).mapToObj(learnt.tokenizer()::piece))
        .containsExactly("es", "est", "lo", "low", "Ġn", "Ġlow");
  }

  @Property(tries = 25)
  void shouldJoinAsOneWhoCountsAnewEachTime(@ForAll("corpora") List<String> texts) {
    for (long minFrequency : new long[] {1, 2}) {
      List<String> expected = naiveMerges(texts, 40, minFrequency);
      int size = 256 + (int) expected.stream().map(m -> m.replace(" ", "")).distinct().count();
      TokenizerOptions options =
          TokenizerOptions.builder(TokenizerOptions.Type.BPE, size)
              .minFrequency(minFrequency)
              .build();
      List<String> merges = learn(options, texts).merges();
      // A pair that makes a token that is there already takes no place, so a few more may fit.
      assertThat(merges).isEqualTo(expected.subList(0, merges.size()));
      assertThat(merges.size()).isGreaterThanOrEqualTo(size - 256);
    }
  }

  @Property(tries = 25)
  void shouldJoinByGainOfLikelihoodAsOneWhoCountsAnewEachTime(
      @ForAll("corpora") List<String> texts) {
    List<List<String>> words = new ArrayList<>();
    for (String word : String.join(" ", texts).replace("é", "e").split(" ", -1)) {
      List<String> letters = new ArrayList<>(List.of(word.split("")));
      letters.set(0, "▁" + letters.getFirst());
      if (!word.isEmpty()) {
        words.add(letters);
      }
    }
    assumeThat(words).isNotEmpty();
    List<String> tokens = new ArrayList<>(learn(wordPiece(sizeOfAlphabet(texts)), texts).tokens());
    naiveMerges(words, tokens, 30, 1, (both, left, right) -> (double) both / left / right);
    assertThat(learn(wordPiece(tokens.size()), texts).tokens()).isEqualTo(tokens);
  }

  @Property(tries = 25)
  void shouldDecodeWhatItEncoded(@ForAll("corpora") List<String> texts, @ForAll String text) {
    for (TokenizerOptions.Type type :
        List.of(TokenizerOptions.Type.BPE, TokenizerOptions.Type.SPM)) {
      String joined = String.join(" ", texts);
      int largest = largest(type, joined + TEXT);
      Tokenizer tokenizer = learn(options(type, largest), joined + TEXT).tokenizer();
      // A text may hold what SentencePiece writes for a space; then it becomes one.
      for (String plain : List.of(text, joined, TEXT + text + " lowest\n", text + " é\t" + TEXT)) {
        String expected = wellFormed(plain).replace('▁', ' ');
        assertThat(roundTrip(tokenizer, plain.replace('▁', ' '))).isEqualTo(expected);
      }
    }
  }

  @Property(tries = 25)
  void shouldDecodeWhatWordPieceMakesOfAText(@ForAll("corpora") List<String> texts) {
    String text = String.join(" ", texts).strip();
    assumeThat(text).isNotEmpty();
    Tokenizer tokenizer = learn(wordPiece(32), TEXT + " " + text).tokenizer();
    String normal = text.replace("é", "e").replaceAll(" +", " ");
    assertThat(roundTrip(tokenizer, text)).isEqualTo(normal);
    assertThat(roundTrip(tokenizer, text.toUpperCase(Locale.ROOT))).isEqualTo(normal);
    assertThat(tokenizer.encode("low 中", true, false))
        .as("CLS, a word, an unknown one, SEP")
        .startsWith(1)
        .endsWith(0, 2);
  }

  @Test
  void shouldScoreWhatSentencePieceLearnsFirstHighest() throws IOException {
    Learnt learnt = learn(options(TokenizerOptions.Type.SPM, 3 + 256 + 11 + 4), TEXT);
    assertThat(learnt.tokens().subList(0, 4)).containsExactly("<unk>", "<s>", "</s>", "<0x00>");
    assertThat(learnt.tokens().subList(259, 270))
        .as("the most frequent first")
        .startsWith("e", "w")
        .contains("▁");
    assertThat(learnt.tokens().subList(270, 274)).containsExactly("es", "est", "▁l", "ow");
    assertThat(learnt.tokenizer().encode("low", false, false)).containsExactly(272, 273);
  }

  @Test
  void shouldWriteRareCharactersInBytes() {
    String text = "the mill by the river ".repeat(200) + "ж";
    Tokenizer tokenizer = learn(options(TokenizerOptions.Type.SPM, 280), text).tokenizer();
    assertThat(IntStream.range(0, 280).mapToObj(tokenizer::piece)).doesNotContain("ж");
    assertThat(tokenizer.encode("ж", false, false)).hasSize(3);
    assertThat(roundTrip(tokenizer, "ж mill 中😀")).isEqualTo("ж mill 中😀");
  }

  @Test
  void shouldLearnTheSameInWhateverOrderTextsCome() {
    Random random = new Random(5);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      texts.add(
          random.ints(12, 'a', 'f').mapToObj(Character::toString).collect(Collectors.joining()));
    }
    TokenizerOptions options = options(TokenizerOptions.Type.BPE, 400);
    ByteBuffer first = learn(options, texts).file();
    Collections.shuffle(texts, random);
    assertThat(learn(options, texts).file()).isEqualTo(first);
  }

  @Test
  void shouldWriteWhatATokenizerNeedsToKnow() {
    TokenizerOptions options =
        TokenizerOptions.builder(TokenizerOptions.Type.BPE, 270)
            .preTokenizer("starcoder")
            .special(List.of("<|begin|>", "<|end|>", "<|user|>"))
            .bos("<|begin|>")
            .eos("<|end|>")
            .padding("<|pad|>")
            .chatTemplate("{{ messages[0].content }}")
            .minFrequency(1)
            .build();
    Learnt learnt = learn(options, TEXT + " 1234 1234 1234");
    Tokenizer tokenizer = learnt.tokenizer();
    assertThat(tokenizer.vocabularySize()).isEqualTo(270);
    assertThat(learnt.special()).containsExactly("<|pad|>", "<|begin|>", "<|end|>", "<|user|>");
    assertThat(tokenizer.bos()).hasValue(1);
    assertThat(tokenizer.eos()).hasValue(2);
    assertThat(tokenizer.endOfGeneration()).containsExactly(2);
    assertThat(tokenizer.encode("<|user|>low<|end|>", true, true))
        .startsWith(1, 3)
        .endsWith(2)
        .hasSize(4);
    assertThat(tokenizer.decode(tokenizer.encode("<|user|>", true, false))).isEqualTo("<|user|>");
    assertThat(tokenizer.encode(" 1234", false, false)).as("a space and each digit").hasSize(5);
    assertThat(learnt.chatTemplate()).isEqualTo("{{ messages[0].content }}");
  }

  @Test
  void shouldNotLearnATokenThatIsWrittenLikeASpecialOne() {
    TokenizerOptions options =
        TokenizerOptions.builder(TokenizerOptions.Type.BPE, 264)
            .special(List.of("low", "st"))
            .build();
    Tokenizer tokenizer = learn(options, TEXT).tokenizer();
    assertThat(roundTrip(tokenizer, TEXT)).isEqualTo(TEXT);
  }

  @Test
  void shouldSayHowLargeAVocabularyCanBe() {
    assertThatThrownBy(() -> learn(options(TokenizerOptions.Type.BPE, 1000), TEXT))
        .isInstanceOf(TokenizerTrainingException.class)
        .hasMessageContaining("1000 tokens is too large for this text")
        .hasMessageContaining("it can have at most 2");
    int largest = largest(TokenizerOptions.Type.BPE, TEXT);
    assertThat(
            learn(options(TokenizerOptions.Type.BPE, largest), TEXT).tokenizer().vocabularySize())
        .isEqualTo(largest);
  }

  @Test
  void shouldRefuseWhatCannotBeLearnt() {
    assertThatThrownBy(() -> learn(options(TokenizerOptions.Type.BPE, 300), ""))
        .isInstanceOf(TokenizerTrainingException.class)
        .hasMessage("there is no text to learn from");
    assertThatThrownBy(() -> learn(options(TokenizerOptions.Type.BPE, 255), TEXT))
        .hasMessageContaining("255 tokens is too small: 0 special tokens and 256");
    assertThatThrownBy(() -> options(TokenizerOptions.Type.BPE, 0))
        .hasMessageContaining("0 tokens");
    assertThatThrownBy(
            () ->
                TokenizerOptions.builder(TokenizerOptions.Type.BPE, 300)
                    .preTokenizer("gpt-7")
                    .build())
        .hasMessageContaining("\"gpt-7\" is no known pre-tokenizer; known are default");
    assertThatThrownBy(
            () ->
                TokenizerOptions.builder(TokenizerOptions.Type.BPE, 300)
                    .special(List.of("a", "a"))
                    .build())
        .hasMessageContaining("given twice");
    assertThatThrownBy(
            () ->
                learn(
                    TokenizerOptions.builder(TokenizerOptions.Type.BPE, 300)
                        .special(List.of("a"))
                        .build(),
                    TEXT))
        .hasMessageContaining("\"a\" is in the vocabulary twice");
  }

  @Provide
  Arbitrary<List<String>> corpora() {
    return Arbitraries.strings()
        .withChars("aaabbc é")
        .ofMinLength(1)
        .ofMaxLength(40)
        .list()
        .ofMinSize(1)
        .ofMaxSize(6);
  }

  private static TokenizerOptions options(TokenizerOptions.Type type, int size) {
    return TokenizerOptions.builder(type, size).build();
  }

  private static TokenizerOptions wordPiece(int size) {
    return TokenizerOptions.builder(TokenizerOptions.Type.WORDPIECE, size).minFrequency(1).build();
  }

  /** The largest vocabulary that a text allows. */
  private static int largest(TokenizerOptions.Type type, String text) {
    return number("too large.*at most (\\d+)", options(type, 100_000), List.of(text));
  }

  /** How many tokens WordPiece begins with. */
  private static int sizeOfAlphabet(List<String> texts) {
    return number("too small.*make (\\d+)", wordPiece(1), texts);
  }

  /** The number in the error that a size gives. */
  private static int number(String error, TokenizerOptions options, List<String> texts) {
    try {
      learn(options, texts);
    } catch (TokenizerTrainingException e) {
      Matcher matcher = Pattern.compile(error).matcher(String.valueOf(e.getMessage()));
      assertThat(matcher.find()).as("in: %s", e.getMessage()).isTrue();
      return Integer.parseInt(matcher.group(1));
    }
    throw new AssertionError(options.size() + " tokens are possible");
  }

  /** What was learnt, saved and read again. */
  private record Learnt(
      Tokenizer tokenizer, List<String> merges, String chatTemplate, ByteBuffer file) {
    List<String> tokens() {
      return IntStream.range(0, tokenizer.vocabularySize()).mapToObj(tokenizer::piece).toList();
    }

    List<String> special() {
      return IntStream.range(0, tokenizer.vocabularySize())
          .filter(tokenizer::isSpecial)
          .mapToObj(tokenizer::piece)
          .toList();
    }
  }

  private static Learnt learn(TokenizerOptions options, String... texts) {
    return learn(options, List.of(texts));
  }

  private static Learnt learn(TokenizerOptions options, List<String> texts) {
    TokenizerTrainer trainer = new TokenizerTrainer(options);
    for (String text : texts) {
      trainer.add(text);
    }
    try {
      Path path = Files.createTempFile("sluice-", ".gguf");
      try {
        trainer.learn(tokens -> {}).write(path);
        try (GgufFile file = GgufFile.open(path)) {
          List<String> merges =
              file.metadata().has("tokenizer.ggml.merges")
                  ? strings(file.metadata().byteStrings("tokenizer.ggml.merges"))
                  : List.of();
          return new Learnt(
              Tokenizer.of(file.metadata()),
              merges,
              file.metadata().findString("tokenizer.chat_template").orElse(""),
              ByteBuffer.wrap(Files.readAllBytes(path)));
        }
      } finally {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static List<String> strings(byte[][] bytes) {
    List<String> strings = new ArrayList<>();
    for (byte[] string : bytes) {
      strings.add(new String(string, StandardCharsets.UTF_8));
    }
    return strings;
  }

  private static String roundTrip(Tokenizer tokenizer, String text) {
    return tokenizer.decode(tokenizer.encode(text, true, false));
  }

  private static String wellFormed(String text) {
    int[] points = text.codePoints().map(p -> p >= 0xD800 && p <= 0xDFFF ? 0xFFFD : p).toArray();
    return new String(points, 0, points.length);
  }

  /** The merges of byte-pair encoding as the paper has it. */
  private static List<String> naiveMerges(List<String> texts, int limit, long minFrequency) {
    List<List<String>> words = new ArrayList<>();
    PreTokenizer preTokenizer = PreTokenizer.named("gpt-2").orElseThrow();
    List<String> tokens = new ArrayList<>();
    byte[] letter = new byte[2];
    for (int b = 0; b < 256; b++) {
      tokens.add(letter((byte) b, letter));
    }
    for (String text : texts) {
      int[] points = text.codePoints().toArray();
      IntList ends = preTokenizer.split(points);
      for (int i = 0, start = 0; i < ends.size(); start = ends.get(i++)) {
        List<String> word = new ArrayList<>();
        for (byte b :
            new String(points, start, ends.get(i) - start).getBytes(StandardCharsets.UTF_8)) {
          word.add(letter(b, letter));
        }
        words.add(word);
      }
    }
    return naiveMerges(words, tokens, limit, minFrequency, (both, _, _) -> both);
  }

  /** What joining a pair is worth, by how often it and its two symbols are there. */
  private interface NaiveGain {
    double of(long both, long left, long right);
  }

  /** Counts all pairs, joins the best, and again. */
  private static List<String> naiveMerges(
      List<List<String>> words, List<String> tokens, int limit, long minFrequency, NaiveGain gain) {
    List<String> merges = new ArrayList<>();
    while (merges.size() < limit) {
      Map<List<String>, Long> counts = new HashMap<>();
      for (List<String> word : words) {
        for (int i = 0; i < word.size(); i++) {
          counts.merge(List.of(word.get(i)), 1L, Long::sum);
          if (i + 1 < word.size()) {
            counts.merge(List.copyOf(word.subList(i, i + 2)), 1L, Long::sum);
          }
        }
      }
      ToDoubleFunction<List<String>> worth =
          pair ->
              gain.of(
                  counts.getOrDefault(pair, 0L),
                  counts.getOrDefault(pair.subList(0, 1), 0L),
                  counts.getOrDefault(pair.subList(1, 2), 0L));
      Comparator<List<String>> order =
          Comparator.comparingDouble(worth)
              .reversed()
              .thenComparingInt(pair -> tokens.indexOf(pair.get(0)))
              .thenComparingInt(pair -> tokens.indexOf(pair.get(1)));
      Optional<List<String>> best =
          counts.keySet().stream()
              .filter(pair -> pair.size() == 2 && counts.getOrDefault(pair, 0L) >= minFrequency)
              .min(order);
      if (best.isEmpty()) {
        break;
      }
      List<String> pair = best.get();
      String joined = pair.get(0) + pair.get(1);
      merges.add(pair.get(0) + " " + pair.get(1));
      if (!tokens.contains(joined)) {
        tokens.add(joined);
      }
      for (List<String> word : words) {
        for (int i = 0; i + 1 < word.size(); i++) {
          if (word.subList(i, i + 2).equals(pair)) {
            word.set(i, joined);
            word.remove(i + 1);
          }
        }
      }
    }
    return merges;
  }

  private static String letter(byte value, byte[] buffer) {
    return new String(buffer, 0, ByteAlphabet.write(value, buffer, 0), StandardCharsets.UTF_8);
  }
}
