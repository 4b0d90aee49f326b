package dev.sluice.stages.flow;

import akka.NotUsed;
import akka.stream.Attributes;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Source;
import dev.sluice.stages.sampling.LogitBias;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.stages.tokenizer.IncrementalDecoder;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Text to text: tokenize, generate, detokenize, stop.
 *
 * <pre>{@code
 * TextGeneration.source(tokenizer, generator, TextRequest.of("Once upon a time"))
 *     .runForeach(event -> { if (event instanceof TextEvent.Piece piece) System.out.print(piece.text()); }, system);
 * }</pre>
 *
 * <p>Demand alone drives it: nothing is asked of the generator before there is demand for an event,
 * and then one event at a time. Only while a text may be the beginning of a stop string, or stands
 * inside a character, does one demand take more than one token. Cancelling cancels the generator's
 * source at once.
 */
public final class TextGeneration {
  private TextGeneration() {}

  /**
   * A flow that answers requests one after the other: the events of one, its {@link
   * TextEvent.Finished}, the events of the next. It fails with the first request that fails.
   */
  public static Flow<TextRequest, TextEvent, NotUsed> flow(
      Tokenizer tokenizer, TokenGenerator generator) {
    return Flow.<TextRequest>create()
        .via(new ConcatEach<>(request -> source(tokenizer, generator, request)));
  }

  /**
   * The events of one request. Each run tokenizes and generates anew, on first demand.
   *
   * <p>It fails with a {@link GenerationException} where the request is not valid for this
   * vocabulary, or as the generator does.
   */
  public static Source<TextEvent, NotUsed> source(
      Tokenizer tokenizer, TokenGenerator generator, TextRequest request) {
    return source(tokenizer, generator, request, System::nanoTime);
  }

  static Source<TextEvent, NotUsed> source(
      Tokenizer tokenizer, TokenGenerator generator, TextRequest request, LongSupplier clock) {
    return Source.lazySource(() -> startOrFail(tokenizer, generator, request, clock))
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }

  /**
   * A request that is refused fails its own stream; thrown, Akka would log it as an error of the
   * stage.
   */
  private static Source<TextEvent, NotUsed> startOrFail(
      Tokenizer tokenizer, TokenGenerator generator, TextRequest request, LongSupplier clock) {
    try {
      return start(tokenizer, generator, request, clock);
    } catch (GenerationException e) {
      return Source.failed(e);
    }
  }

  private static Source<TextEvent, NotUsed> start(
      Tokenizer tokenizer, TokenGenerator generator, TextRequest request, LongSupplier clock) {
    int[] prompt = tokenize(tokenizer, request.prompt());
    String promptText = tokenizer.decode(prompt);
    TokenRequest tokens = tokenRequest(tokenizer, request, prompt);
    // After a prompt without text the answer begins the text: no space in front of its first word.
    Supplier<IncrementalDecoder> decoders =
        promptText.isEmpty() ? tokenizer::decoder : tokenizer::continuationDecoder;
    Source<TextEvent, NotUsed> events =
        generator
            .generate(tokens)
            // Where the generator has an asynchronous boundary, its buffer holds one element, not
            // 16.
            .addAttributes(Attributes.inputBuffer(1, 1))
            .via(new DetokenizeStage(decoders))
            .via(new StopStage(request.stopStrings(), prompt, clock));
    if (!request.echo()) {
      return events;
    }
    List<Integer> ids = Arrays.stream(prompt).boxed().toList();
    TextEvent echo = new TextEvent.Prompt(promptText, ids);
    return Source.from(List.of(0, 1))
        .via(new ConcatEach<>(part -> part == 0 ? Source.single(echo) : events));
  }

  private static int[] tokenize(Tokenizer tokenizer, TextRequest.Prompt prompt) {
    return switch (prompt) {
      case TextRequest.Prompt.Text(String text, boolean addSpecial, boolean parseSpecial) ->
          tokenizer.encode(text, addSpecial, parseSpecial);
      case TextRequest.Prompt.Ids(List<Integer> ids) -> {
        for (int id : ids) {
          checkId(tokenizer, "prompt", id);
        }
        yield ids.stream().mapToInt(Integer::intValue).toArray();
      }
    };
  }

  private static TokenRequest tokenRequest(Tokenizer tokenizer, TextRequest request, int[] prompt) {
    SamplingParameters sampling = request.sampling();
    LogitBias bias = sampling.logitBias();
    for (int i = 0; i < bias.size(); i++) {
      checkId(tokenizer, "logit bias", bias.token(i));
    }
    int[] extra = request.stopTokens().stream().mapToInt(Integer::intValue).toArray();
    for (int id : extra) {
      checkId(tokenizer, "stop tokens", id);
    }
    int[] ends = tokenizer.endOfGeneration();
    int[] stops = extra;
    if (request.ignoreEos()) {
      sampling = sampling.toBuilder().logitBias(bias.banning(ends)).build();
    } else {
      stops = IntStream.concat(Arrays.stream(ends), Arrays.stream(extra)).distinct().toArray();
    }
    TokenRequest tokens =
        new TokenRequest(prompt, sampling, request.maxTokens(), stops, request.scorePrompt());
    return request.tellRecoveries() ? tokens.tellingRecoveries() : tokens;
  }

  private static void checkId(Tokenizer tokenizer, String where, int id) {
    if (id < 0 || id >= tokenizer.vocabularySize()) {
      throw new GenerationException(
          GenerationException.Kind.INVALID_REQUEST,
          "%s: token %d is outside the vocabulary of %d tokens"
              .formatted(where, id, tokenizer.vocabularySize()));
    }
  }
}
