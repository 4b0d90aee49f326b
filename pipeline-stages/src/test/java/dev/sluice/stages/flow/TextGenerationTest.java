package dev.sluice.stages.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.ActorSystem;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import akka.stream.testkit.TestPublisher;
import akka.stream.testkit.TestSubscriber;
import akka.stream.testkit.javadsl.TestSink;
import akka.stream.testkit.javadsl.TestSource;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.stages.sampling.TokenLogit;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TextGenerationTest {
  private static final Usage USAGE = new Usage(4, 2, 0);
  private static final Timings TIMINGS = new Timings(1, 2, 3);
  private static ActorSystem system;

  private final CharTokenizer tokenizer = new CharTokenizer();
  private final List<TokenRequest> requests = new ArrayList<>();
  private int position = 4;

  @BeforeAll
  static void start() {
    system = TestSystems.create("text-generation-test");
  }

  @AfterAll
  static void stop() {
    TestSystems.stop(system);
  }

  private TokenEvent.Token token(String text) {
    return token(tokenizer.token(text));
  }

  private TokenEvent.Token token(int id) {
    return new TokenEvent.Token(id, position++, -1, 0.5f, List.of(new TokenLogit(id, -1)));
  }

  private static TokenEvent.Finished finished(FinishReason reason) {
    return new TokenEvent.Finished(reason, USAGE, TIMINGS);
  }

  private TokenGenerator generating(TokenEvent... events) {
    return request -> {
      requests.add(request);
      return Source.from(List.of(events));
    };
  }

  private List<TextEvent> run(TextRequest request, TokenEvent... events) throws Exception {
    return TextGeneration.source(tokenizer, generating(events), request, () -> 0)
        .runWith(Sink.seq(), system)
        .toCompletableFuture()
        .get();
  }

  private static List<String> texts(List<TextEvent> events) {
    return events.stream()
        .filter(TextEvent.Piece.class::isInstance)
        .map(event -> ((TextEvent.Piece) event).text())
        .toList();
  }

  @Test
  void shouldGiveEachTokenItsText() throws Exception {
    List<TextEvent> events =
        run(TextRequest.of("once"), token(" upon"), token(" a"), finished(FinishReason.LENGTH));
    assertThat(texts(events)).containsExactly(" upon", " a");
    TextEvent.Piece piece = (TextEvent.Piece) events.get(0);
    assertThat(piece.position()).isEqualTo(4);
    assertThat(piece.logProbability()).isEqualTo(-1.5);
    assertThat(piece.top()).containsExactly(new TokenLogit(piece.id(), -1));
    assertThat(events.getLast())
        .isEqualTo(new TextEvent.Finished(FinishReason.LENGTH, USAGE, TIMINGS));
    assertThat(requests).hasSize(1);
    assertThat(requests.getFirst().prompt()).isEqualTo(tokenizer.encode("once", true, false));
    assertThat(requests.getFirst().stopTokens()).containsExactly(CharTokenizer.END);
  }

  @Test
  void shouldGiveACharacterToTheTokenThatCompletesIt() throws Exception {
    List<TextEvent> events =
        run(
            TextRequest.of("x"),
            token("a"),
            token(0xf0),
            token(0x9f),
            token(0x98),
            token(0x80),
            token(CharTokenizer.SILENT),
            finished(FinishReason.STOP));
    assertThat(texts(events)).containsExactly("a", "", "", "", "😀", "");
  }

  @Test
  void shouldReplaceWhatNeverBecomesACharacter() throws Exception {
    List<TextEvent> events =
        run(
            TextRequest.of("x"),
            token("a"),
            token(0xf0),
            token(0x9f),
            finished(FinishReason.LENGTH));
    assertThat(String.join("", texts(events))).isEqualTo("a\uFFFD");
    assertThat(texts(events)).hasSize(3);
  }

  @Test
  void shouldEndBeforeAStopString() throws Exception {
    List<TextEvent> events =
        run(
            TextRequest.builder("x").stop("</end>").build(),
            token("one <"),
            token("b>"),
            token(" </"),
            token("en"),
            token("d> more"),
            token("never"));
    assertThat(texts(events)).containsExactly("one <", "b>", " ", "", "");
    assertThat(events.getLast())
        .isEqualTo(new TextEvent.Finished(FinishReason.STOP, new Usage(1, 5, 0), Timings.NONE));
  }

  @Test
  void shouldEmitWhatWasHeldWhenTheAnswerEnds() throws Exception {
    List<TextEvent> events =
        run(
            TextRequest.builder("x").stop("abcd").build(),
            token("a"),
            token("bc"),
            finished(FinishReason.LENGTH));
    assertThat(texts(events)).containsExactly("a", "bc");
  }

  @Test
  void shouldBanTheEndWhenToldToIgnoreIt() throws Exception {
    run(
        TextRequest.builder("x").ignoreEos(true).stopToken(7, 7).build(),
        finished(FinishReason.LENGTH));
    TokenRequest request = requests.getFirst();
    assertThat(request.stopTokens()).containsExactly(7, 7);
    assertThat(request.sampling().logitBias().size()).isEqualTo(1);
    assertThat(request.sampling().logitBias().token(0)).isEqualTo(CharTokenizer.END);
    assertThat(request.sampling().logitBias().bias(0)).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Test
  void shouldEchoThePromptAndItsScores() throws Exception {
    TextRequest request =
        TextRequest.builder("hi").echo(true).scorePrompt(true).maxTokens(0).build();
    List<TextEvent> events =
        run(
            request,
            new TokenEvent.Scored(0, OptionalDouble.of(2), 3, List.of()),
            new TokenEvent.Scored(1, OptionalDouble.empty(), 3, List.of()),
            finished(FinishReason.LENGTH));
    assertThat(events)
        .startsWith(
            new TextEvent.Prompt("hi", List.of((int) 'h', (int) 'i')),
            new TextEvent.Scored('h', 0, OptionalDouble.of(-1), 3, List.of()),
            new TextEvent.Scored('i', 1, OptionalDouble.empty(), 3, List.of()));
  }

  @Test
  void shouldRefuseTokensOutsideTheVocabulary() {
    TextRequest.Prompt ids = new TextRequest.Prompt.Ids(List.of(1, 100_000));
    assertThatThrownBy(() -> run(TextRequest.builder(ids).build()))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(GenerationException.class)
        .hasMessageContaining("token 100000");
    assertThatThrownBy(() -> run(TextRequest.of("")))
        .cause()
        .isInstanceOf(GenerationException.class)
        .hasMessageContaining("no tokens");
  }

  @Test
  void shouldFailAsTheGeneratorDoes() {
    GenerationException cause =
        new GenerationException(GenerationException.Kind.NON_FINITE, "stage 1 (layers 4..8)");
    TokenGenerator generator = _ -> Source.failed(cause);
    assertThatThrownBy(
            () ->
                TextGeneration.source(tokenizer, generator, TextRequest.of("x"))
                    .runWith(Sink.seq(), system)
                    .toCompletableFuture()
                    .get())
        .cause()
        .isSameAs(cause);
  }

  @Test
  void shouldFailWhereTheGeneratorEndsWithoutAReason() {
    assertThatThrownBy(() -> run(TextRequest.of("x"), token("a")))
        .cause()
        .hasMessageContaining("without saying why, after 1 tokens");
  }

  /** A generator driven by hand, and the consumer of its text. */
  private final class Probes {
    final TestSubscriber.Probe<TextEvent> consumer;
    final ManualSource<TokenEvent> generator = new ManualSource<>();
    final TestPublisher.Probe<TextRequest> requests;

    Probes(TextRequest request) {
      var pair =
          TestSource.<TextRequest>create(system)
              .via(TextGeneration.flow(tokenizer, _ -> Source.fromGraph(generator)))
              .toMat(TestSink.create(system), Keep.both())
              .run(system);
      requests = pair.first();
      consumer = pair.second();
      consumer.ensureSubscription();
      requests.sendNext(request);
    }

    String nextText() {
      return ((TextEvent.Piece) consumer.expectNext()).text();
    }
  }

  @Test
  void shouldAskForNothingBeforeThereIsDemandAndThenForOneAtATime() throws Exception {
    Probes probes = new Probes(TextRequest.of("x"));
    probes.generator.expectNothing();
    for (int i = 0; i < 5; i++) {
      probes.consumer.request(1);
      probes.generator.expectPull();
      probes.generator.send(token("t" + i));
      assertThat(probes.nextText()).isEqualTo("t" + i);
      probes.generator.expectNothing();
    }
    probes.consumer.cancel();
    probes.generator.expectCancel();
    probes.requests.expectCancellation();
  }

  @Test
  void shouldTakeMoreForOneDemandOnlyWhileTextIsUndecided() throws Exception {
    Probes probes = new Probes(TextRequest.builder("x").stop("abc").build());
    probes.consumer.request(1);
    probes.generator.expectPull();
    probes.generator.send(token("a"));
    probes.generator.expectPull();
    probes.generator.send(token("b"));
    probes.generator.expectPull();
    probes.generator.send(token("x"));
    assertThat(probes.nextText()).isEqualTo("a");
    probes.generator.expectNothing();
    probes.consumer.request(2);
    assertThat(probes.nextText()).isEqualTo("b");
    assertThat(probes.nextText()).isEqualTo("x");
    probes.generator.expectNothing();
    probes.consumer.cancel();
    probes.generator.expectCancel();
  }

  @Test
  void shouldCancelTheGeneratorAsSoonAsAStopStringIsComplete() throws Exception {
    Probes probes = new Probes(TextRequest.builder("x").stop("stop").build());
    probes.consumer.request(1);
    probes.generator.expectPull();
    probes.generator.send(token("go st"));
    probes.generator.expectPull();
    probes.generator.send(token("op"));
    probes.generator.expectCancel();
    assertThat(probes.nextText()).isEqualTo("go ");
    probes.consumer.request(2);
    assertThat(probes.nextText()).isEmpty();
    assertThat(probes.consumer.expectNext()).isInstanceOf(TextEvent.Finished.class);
    probes.requests.sendComplete();
    probes.consumer.expectComplete();
  }

  @Test
  void shouldCancelTheGeneratorWhileTextIsHeld() throws Exception {
    Probes probes = new Probes(TextRequest.builder("x").stop("stop").build());
    probes.consumer.request(1);
    probes.generator.expectPull();
    probes.generator.send(token("st"));
    probes.generator.expectPull();
    probes.consumer.cancel();
    probes.generator.expectCancel();
  }

  @Test
  void shouldAnswerRequestsOneAfterTheOther() throws Exception {
    TokenGenerator generator =
        request ->
            Source.from(
                List.of(token((char) request.prompt()[0] + "!"), finished(FinishReason.LENGTH)));
    List<TextEvent> events =
        Source.from(List.of(TextRequest.of("a"), TextRequest.of("b"), TextRequest.of("c")))
            .via(TextGeneration.flow(tokenizer, generator))
            .runWith(Sink.seq(), system)
            .toCompletableFuture()
            .get();
    assertThat(texts(events)).containsExactly("a!", "b!", "c!");
    assertThat(events).hasSize(6);
    assertThat(events.get(1)).isInstanceOf(TextEvent.Finished.class);
  }

  @Test
  void shouldRefuseRequestsBeyondTheLimits() {
    assertThatThrownBy(() -> TextRequest.builder("x").stop("").build())
        .isInstanceOf(GenerationException.class)
        .hasMessageContaining("stop string of 0 characters");
    assertThatThrownBy(() -> TextRequest.builder("x").stop("\uDE00").build())
        .hasMessageContaining("half a surrogate pair");
    assertThatThrownBy(() -> TextRequest.builder("x").maxTokens(-1).build())
        .hasMessageContaining("-1 tokens");
    assertThatThrownBy(
            () -> new TokenRequest(new int[] {1}, SamplingParameters.DEFAULT, 0, new int[0], false))
        .hasMessageContaining("neither tokens nor the prompt's scores");
  }
}
