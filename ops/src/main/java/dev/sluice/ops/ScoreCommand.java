package dev.sluice.ops;

import akka.stream.javadsl.Sink;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.stages.sampling.TokenLogit;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice score}: how likely the model finds a text. */
@Command(
    name = "score",
    description = "Prints the log-probability and the perplexity of a text under the model.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ScoreCommand implements Runnable {
  private static final int TOP = 5;

  @Mixin private ModelOption model = new ModelOption();
  @Mixin private TextInput input = new TextInput();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--ids",
      paramLabel = "1,2,3",
      description = "Score these token ids, as they are, instead of a text.")
  private @Nullable String ids;

  @Option(names = "--no-special", description = "Add no BOS or other special token to the text.")
  private boolean noSpecial;

  @Option(
      names = "--json",
      description =
          "Print {\"ids\",\"positions\":[{\"logprob\",\"lse\",\"top\":[[id,logit]×5]}],\"logprob\","
              + "\"perplexity\"}; positions[i] is the distribution after token i, and its logprob"
              + " that of token i+1.")
  private boolean asJson;

  @Override
  public void run() {
    try (Session session = Session.open(model, cluster, _ -> engine.pipeline(1))) {
      int[] tokens = tokens(session.tokenizer());
      SamplingParameters sampling =
          SamplingParameters.GREEDY.toBuilder().topLogprobs(asJson ? TOP : 0).build();
      List<TokenEvent.Scored> positions =
          session
              .engine()
              .generator()
              .generate(new TokenRequest(tokens, sampling, 0, new int[0], true))
              .collectType(TokenEvent.Scored.class)
              .runWith(Sink.seq(), session.engine().system())
              .toCompletableFuture()
              .join();
      print(tokens, positions);
    }
  }

  private int[] tokens(Tokenizer tokenizer) {
    String listed = ids;
    int[] tokens =
        listed == null
            ? tokenizer.encode(input.read(), !noSpecial, false)
            : TokenIds.parse(listed, tokenizer.vocabularySize());
    if (tokens.length < 2) {
      throw new CommandException(
          "a score needs at least two tokens, the second being likely or not after the first;"
              + " this text has "
              + tokens.length);
    }
    return tokens;
  }

  private void print(int[] tokens, List<TokenEvent.Scored> positions) {
    double logProbability =
        positions.stream().mapToDouble(p -> p.nextLogProbability().orElse(0)).sum();
    double perplexity = Math.exp(-logProbability / (tokens.length - 1));
    if (asJson) {
      Json.print(
          json -> {
            json.writeFieldName("ids");
            json.writeArray(tokens, 0, tokens.length);
            json.writeArrayFieldStart("positions");
            for (TokenEvent.Scored position : positions) {
              writePosition(json, position);
            }
            json.writeEndArray();
            Json.number(json, "logprob", logProbability);
            Json.number(json, "perplexity", perplexity);
          });
    } else {
      Streams.out()
          .printf(
              Locale.ROOT,
              "tokens          %d%nlog-probability %.6f%nperplexity      %.6f%n",
              tokens.length,
              logProbability,
              perplexity);
    }
    Streams.out().flush();
  }

  private static void writePosition(JsonGenerator json, TokenEvent.Scored position)
      throws IOException {
    json.writeStartObject();
    Json.number(json, "logprob", position.nextLogProbability().orElse(Double.NaN));
    Json.number(json, "lse", position.logSumExp());
    json.writeArrayFieldStart("top");
    for (TokenLogit token : position.top()) {
      json.writeStartArray();
      json.writeNumber(token.id());
      json.writeNumber(token.logit());
      json.writeEndArray();
    }
    json.writeEndArray();
    json.writeEndObject();
  }
}
