package dev.sluice.stages.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.gguf.GgufFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
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

  @Property(tries = 60)
  void shouldJoinAsOneWhoCountsAnewEachTime(@ForAll("corpora") List<String> texts) {
    for (long minFrequency : new long[] {1, 2}) {
      List<String> expected = naiveMerges(texts, 40, minFrequency);
      int size = 256 + (int) expected.stream().map(m -> m.replace(" ", "")).distinct().count();
      TokenizerOptions options =
          TokenizerOptions.builder(TokenizerOptions.Type.BPE, size)
              .minFrequency(minFrequency)
              .build();
      List<String> merges = learn(options, texts.toArray(String[]::new)).merges();
      // A pair that makes a token that is there already takes no place, so a few more may fit.
      assertThat(merges).isEqualTo(expected.subList(0, merges.size()));
      assertThat(merges.size()).isGreaterThanOrEqualTo(size - 256);
    }
  }

  @Property(tries = 60)
  void shouldDecodeWhatItEncoded(@ForAll("corpora") List<String> texts, @ForAll String text) {
    Learnt learnt = learn(options(TokenizerOptions.Type.BPE, 256), texts.toArray(String[]::new));
    assertThat(roundTrip(learnt.tokenizer(), text)).isEqualTo(wellFormed(text));
    Tokenizer english = learn(options(TokenizerOptions.Type.BPE, 270), TEXT).tokenizer();
    String mixed = TEXT.substring(text.length() % TEXT.length()) + text + " lowest";
    assertThat(roundTrip(english, mixed)).isEqualTo(wellFormed(mixed));
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
    ByteBuffer first = learn(options, texts.toArray(String[]::new)).file();
    Collections.shuffle(texts, random);
    assertThat(learn(options, texts.toArray(String[]::new)).file()).isEqualTo(first);
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
    int largest = largest(TEXT);
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

  private static int largest(String text) {
    try {
      learn(options(TokenizerOptions.Type.BPE, 1000), text);
      throw new AssertionError("1000 tokens fit");
    } catch (TokenizerTrainingException e) {
      String message = String.valueOf(e.getMessage());
      return Integer.parseInt(message.substring(message.lastIndexOf(' ') + 1));
    }
  }

  /** What was learnt, saved and read again. */
  private record Learnt(
      Tokenizer tokenizer, List<String> merges, String chatTemplate, ByteBuffer file) {
    List<String> special() {
      return IntStream.range(0, tokenizer.vocabularySize())
          .filter(tokenizer::isSpecial)
          .mapToObj(tokenizer::piece)
          .toList();
    }
  }

  private static Learnt learn(TokenizerOptions options, String... texts) {
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

  /** Byte-pair encoding as the paper has it: count all pairs, join the best, and again. */
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
    List<String> merges = new ArrayList<>();
    while (merges.size() < limit) {
      Map<List<String>, Integer> counts = new HashMap<>();
      for (List<String> word : words) {
        for (int i = 0; i + 1 < word.size(); i++) {
          counts.merge(List.copyOf(word.subList(i, i + 2)), 1, Integer::sum);
        }
      }
      List<String> best = null;
      for (List<String> pair : counts.keySet()) {
        if (counts.getOrDefault(pair, 0) >= minFrequency
            && (best == null || isBefore(pair, best, counts, tokens))) {
          best = pair;
        }
      }
      if (best == null) {
        break;
      }
      String joined = best.get(0) + best.get(1);
      merges.add(best.get(0) + " " + best.get(1));
      if (!tokens.contains(joined)) {
        tokens.add(joined);
      }
      for (List<String> word : words) {
        for (int i = 0; i + 1 < word.size(); i++) {
          if (word.subList(i, i + 2).equals(best)) {
            word.set(i, joined);
            word.remove(i + 1);
          }
        }
      }
    }
    return merges;
  }

  private static boolean isBefore(
      List<String> pair,
      List<String> other,
      Map<List<String>, Integer> counts,
      List<String> tokens) {
    int more = Integer.compare(counts.getOrDefault(pair, 0), counts.getOrDefault(other, 0));
    int left = Integer.compare(tokens.indexOf(pair.get(0)), tokens.indexOf(other.get(0)));
    int right = Integer.compare(tokens.indexOf(pair.get(1)), tokens.indexOf(other.get(1)));
    return more > 0 || (more == 0 && (left < 0 || (left == 0 && right < 0)));
  }

  private static String letter(byte value, byte[] buffer) {
    return new String(buffer, 0, ByteAlphabet.write(value, buffer, 0), StandardCharsets.UTF_8);
  }
}
