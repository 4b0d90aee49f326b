package dev.sluice.ops;

import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.actors.PipelineStats;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.sampling.TokenLogit;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice run}: continues a text. */
@Command(
    name = "run",
    description = "Continues a text, token by token, on standard output.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class RunCommand implements Runnable {
  @Mixin private ModelOption model = new ModelOption();
  @Mixin private TextInput input = new TextInput();
  @Mixin private SamplingOptions sampling = new SamplingOptions();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(names = "--no-special", description = "Add no BOS or other special token to the text.")
  private boolean noSpecial;

  @Option(
      names = "--parse-special",
      description = "Read special tokens written out in the text as these tokens.")
  private boolean parseSpecial;

  @Option(names = "--echo", description = "Print the prompt before the answer.")
  private boolean echo;

  @Option(
      names = "--stats",
      description = "End with speeds, busy shares and latencies, on standard error.")
  private boolean stats;

  @Option(
      names = "--json",
      description =
          "Print an object a token ({\"id\",\"text\",\"logprob\"}) and a last one"
              + " ({\"finish_reason\",\"usage\",\"timings\"}).")
  private boolean asJson;

  @Override
  public void run() {
    long start = System.nanoTime();
    String text = input.read();
    TextRequest request =
        sampling.request(new TextRequest.Prompt.Text(text, !noSpecial, parseSpecial));
    try (Session session = Session.open(model, cluster, _ -> engine.pipeline(1))) {
      long loaded = System.nanoTime();
      @Nullable PipelineStats before = session.engine().stats().orElse(null);
      if (echo && !asJson) {
        Streams.out().print(text);
      }
      TextEvent.@Nullable Finished finished =
          Source.single(request)
                      .via(session.text())
                      .map(this::print)
                      .runWith(Sink.<TextEvent>last(), session.engine().system())
                      .toCompletableFuture()
                      .join()
                  instanceof TextEvent.Finished last
              ? last
              : null;
      if (!asJson) {
        Streams.out().println();
      }
      Streams.out().flush();
      if (stats && finished != null) {
        Statistics.print(
            before == null ? null : session.engine().stats().orElseThrow().since(before),
            finished,
            loaded - start,
            sampling.seed(),
            engine.kernels());
      }
    }
  }

  private TextEvent print(TextEvent event) {
    switch (event) {
      case TextEvent.Piece piece -> print(piece);
      case TextEvent.Finished finished -> {
        if (asJson) {
          Json.print(json -> writeFinished(json, finished));
        }
      }
      case TextEvent.Prompt _, TextEvent.Scored _, TextEvent.Recovered _ -> {}
    }
    if (Streams.out().checkError()) {
      throw new CommandException("nobody reads standard output any more");
    }
    return event;
  }

  private void print(TextEvent.Piece piece) {
    if (asJson) {
      Json.print(
          json -> {
            json.writeNumberField("id", piece.id());
            json.writeStringField("text", piece.text());
            Json.number(json, "logprob", piece.logProbability());
            writeTop(json, piece.top(), piece.logSumExp());
          });
    } else {
      Streams.out().print(piece.text());
      Streams.out().flush();
    }
  }

  private static void writeTop(JsonGenerator json, List<TokenLogit> top, double logSumExp)
      throws IOException {
    if (top.isEmpty()) {
      return;
    }
    json.writeArrayFieldStart("top_logprobs");
    for (TokenLogit token : top) {
      json.writeStartObject();
      json.writeNumberField("id", token.id());
      Json.number(json, "logprob", token.logit() - logSumExp);
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private void writeFinished(JsonGenerator json, TextEvent.Finished finished) throws IOException {
    json.writeStringField("finish_reason", finished.reason().name().toLowerCase(Locale.ROOT));
    json.writeObjectFieldStart("usage");
    json.writeNumberField("prompt_tokens", finished.usage().promptTokens());
    json.writeNumberField("completion_tokens", finished.usage().generatedTokens());
    json.writeNumberField("total_tokens", finished.usage().totalTokens());
    json.writeEndObject();
    json.writeObjectFieldStart("timings");
    json.writeNumberField("queue_ms", finished.timings().queueNanos() / 1e6);
    json.writeNumberField("prompt_ms", finished.timings().promptNanos() / 1e6);
    json.writeNumberField("generation_ms", finished.timings().generationNanos() / 1e6);
    json.writeNumberField(
        "time_to_first_token_ms", finished.timings().timeToFirstTokenNanos() / 1e6);
    json.writeNumberField(
        "prompt_tokens_per_second", finished.timings().promptTokensPerSecond(finished.usage()));
    json.writeNumberField(
        "generated_tokens_per_second",
        finished.timings().generatedTokensPerSecond(finished.usage()));
    json.writeEndObject();
    json.writeNumberField("seed", sampling.seed());
  }
}
