package dev.sluice.stages.flow;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorSystem;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/**
 * Whatever the text, the tokens it comes in and the stop strings, it is cut where the whole text
 * would be.
 */
class TextGenerationPropertiesTest {
  @SuppressWarnings("NullAway.Init") // set before the first try
  private static ActorSystem system;

  @BeforeContainer
  static void start() {
    system = TestSystems.create("text-generation-properties");
  }

  @AfterContainer
  static void stop() {
    TestSystems.stop(system);
  }

  @Provide
  Arbitrary<String> texts() {
    return text().ofMaxLength(40).map(TextGenerationPropertiesTest::widen);
  }

  @Provide
  Arbitrary<String> stops() {
    return text().ofMinLength(1).ofMaxLength(5).map(TextGenerationPropertiesTest::widen);
  }

  private static net.jqwik.api.arbitraries.StringArbitrary text() {
    return Arbitraries.strings().withChars("aabbc.é—X");
  }

  // A character of four bytes and two UTF-16 units, which withChars cannot draw.
  private static String widen(String text) {
    return text.replace("X", "😀");
  }

  @Property(tries = 500)
  void shouldCutTheTextAtTheFirstStopString(
      @ForAll("texts") String text,
      @ForAll @Size(max = 3) List<@net.jqwik.api.From("stops") String> stops,
      @ForAll Random random)
      throws Exception {
    CharTokenizer tokenizer = new CharTokenizer();
    List<TokenEvent> events = split(tokenizer, text, random);
    int tokens = events.size();
    events.add(new TokenEvent.Finished(FinishReason.LENGTH, new Usage(1, tokens, 0), Timings.NONE));
    TextRequest request = TextRequest.builder("p").stop(stops.toArray(String[]::new)).build();

    List<TextEvent> result =
        TextGeneration.source(tokenizer, _ -> Source.from(events), request)
            .runWith(Sink.seq(), system)
            .toCompletableFuture()
            .get();

    StringBuilder joined = new StringBuilder();
    int position = 0;
    for (TextEvent event : result.subList(0, result.size() - 1)) {
      TextEvent.Piece piece = (TextEvent.Piece) event;
      joined.append(piece.text());
      assertThat(piece.position()).as("one event a token, in order").isEqualTo(position++);
      assertThat(wellFormed(piece.text())).as("whole characters").isTrue();
    }
    String expected = cut(text, stops);
    assertThat(joined).hasToString(expected);
    TextEvent.Finished finished = (TextEvent.Finished) result.getLast();
    boolean stopped = !expected.equals(text);
    assertThat(finished.reason()).isEqualTo(stopped ? FinishReason.STOP : FinishReason.LENGTH);
    assertThat(finished.usage().generatedTokens()).isEqualTo(position);
    if (!stopped) {
      assertThat(position).isEqualTo(tokens);
    }
  }

  /** Bytes of the text in tokens of random length, tokens without text among them. */
  private static List<TokenEvent> split(CharTokenizer tokenizer, String text, Random random) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    List<TokenEvent> events = new ArrayList<>();
    int most = 1 + random.nextInt(8);
    int at = 0;
    while (at < bytes.length) {
      int length = Math.min(bytes.length - at, random.nextInt(most + 1));
      int id =
          length == 0
              ? CharTokenizer.SILENT
              : tokenizer.token(Arrays.copyOfRange(bytes, at, at + length));
      events.add(new TokenEvent.Token(id, events.size(), 0, 0, List.of()));
      at += length;
    }
    return events;
  }

  /** The definition, character by character. */
  private static String cut(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String seen = text.substring(0, end);
      int longest = stops.stream().filter(seen::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return seen.substring(0, end - longest);
      }
    }
    return text;
  }

  private static boolean wellFormed(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8).equals(text);
  }
}
