package dev.sluice.stages.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What holds for any text and any ids, on real vocabularies. */
class TokenizerPropertyTest {
  private static final int MEGABYTE = 1 << 20;

  @Property(tries = 300)
  @AddLifecycleHook(NeedsVocabularies.class)
  void shouldDecodeWhatItEncoded(@ForAll("texts") String text) {
    // Falcon's and StarCoder's vocabularies lack tokens for some bytes.
    for (String name : List.of("gpt-2", "deepseek-llm", "llama-spm")) {
      Tokenizer tokenizer = VocabularyFixtures.tokenizer(name);
      int[] ids = tokenizer.encode(text, true, false);
      assertThat(tokenizer.decode(ids)).as(name).isEqualTo(wellFormed(text));
      assertThat(incremental(tokenizer.decoder(), ids)).as(name).isEqualTo(wellFormed(text));
    }
  }

  @Property(tries = 300)
  @AddLifecycleHook(NeedsVocabularies.class)
  void shouldGiveTheSameTextInPartsAsAtOnce(@ForAll long seed) {
    Random random = new Random(seed);
    for (String name : VocabularyFixtures.ALL) {
      Tokenizer tokenizer = VocabularyFixtures.tokenizer(name);
      int[] ids =
          random
              .ints(random.nextInt(40), 0, random.nextInt(1, tokenizer.vocabularySize() + 1))
              .toArray();
      assertThat(incremental(tokenizer.decoder(), ids)).as(name).isEqualTo(tokenizer.decode(ids));
    }
  }

  @Property(tries = 2000)
  void shouldGiveAnyBytesInPartsAsTheJdkDecodesThemAtOnce(@ForAll("byteRuns") List<byte[]> runs) {
    int length = runs.stream().mapToInt(run -> run.length).sum();
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] run : runs) {
      System.arraycopy(run, 0, all, at, run.length);
      at += run.length;
    }
    IncrementalDecoder decoder = new IncrementalDecoder(new BytesTokenizer(runs), false);
    String parts = incremental(decoder, IntStream.range(0, runs.size()).toArray());
    assertThat(parts).isEqualTo(new String(all, StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @CsvSource({
    "gpt-2, a",
    "gpt-2, 😀",
    "gpt-2, ' '",
    "gpt-2, 7",
    "gpt-2, ab",
    "gpt-2, !",
    "gpt-2, A",
    "deepseek-llm, a",
    "deepseek-llm, ' '",
    "deepseek-llm, 中",
    "deepseek-llm, [",
    "llama-spm, a",
    "llama-spm, ' '",
    "llama-spm, 😀",
    "llama-spm, 7",
    "phi-3, <",
    "bert-bge, a",
    "bert-bge, é"
  })
  void shouldEncodeAMegabyteOfOneKind(String name, String unit) {
    shouldEncode(name, unit.repeat(MEGABYTE / unit.getBytes(StandardCharsets.UTF_8).length));
  }

  @ParameterizedTest
  @CsvSource({"gpt-2", "deepseek-llm", "llama-spm", "bert-bge"})
  void shouldEncodeAMegabyteOfLinesAndOfAnything(String name) {
    shouldEncode(name, "\n".repeat(MEGABYTE));
    shouldEncode(name, " \n".repeat(MEGABYTE / 2));
    StringBuilder anything = new StringBuilder();
    Random random = new Random(11);
    while (anything.length() < MEGABYTE / 2) {
      int point = random.nextInt(Character.MAX_CODE_POINT + 1);
      anything.appendCodePoint(Character.isSurrogate((char) point) && point < 0x10000 ? 1 : point);
    }
    shouldEncode(name, anything.toString());
  }

  private static void shouldEncode(String name, String text) {
    Tokenizer tokenizer = VocabularyFixtures.tokenizer(name);
    int[] ids = tokenizer.encode(text, false, true);
    if (name.equals("bert-bge")) {
      assertThat(ids.length).isGreaterThanOrEqualTo(text.isBlank() ? 0 : 1);
    } else {
      // Not assertThat(...).isEqualTo: it would print a megabyte.
      assertThat(tokenizer.decode(ids).equals(text)).isTrue();
    }
  }

  @Provide
  Arbitrary<String> texts() {
    Arbitrary<String> anything = Arbitraries.strings().all().ofMaxLength(60);
    Arbitrary<String> plain =
        Arbitraries.strings().withChars(" \n\t'.,aeioustrnlhd019ÄéЖ中😀").ofMaxLength(60);
    return Arbitraries.oneOf(anything, plain);
  }

  @Provide
  Arbitrary<List<byte[]>> byteRuns() {
    Arbitrary<Byte> bytes =
        Arbitraries.of(
                0x20, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xC3, 0xDF,
                0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFE, 0xFF)
            .map(Integer::byteValue);
    return bytes.array(byte[].class).ofMinSize(0).ofMaxSize(5).list().ofMaxSize(8);
  }

  private static String incremental(IncrementalDecoder decoder, int[] ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      String part = decoder.accept(id);
      assertThat(part.isEmpty() || !Character.isHighSurrogate(part.charAt(part.length() - 1)))
          .isTrue();
      text.append(part);
    }
    return text.append(decoder.finish()).toString();
  }

  /** With U+FFFD for each surrogate without its other half. */
  private static String wellFormed(String text) {
    int[] points = text.codePoints().map(p -> p >= 0xD800 && p <= 0xDFFF ? 0xFFFD : p).toArray();
    return new String(points, 0, points.length);
  }
}
