package dev.sluice.ops;

import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenRequest;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How tokens are chosen and when a generation ends. */
final class SamplingOptions {
  @Mixin private DrawOptions draw = new DrawOptions();
  @Mixin private GrammarOptions grammar = new GrammarOptions();

  @Option(
      names = {"-n", "--max-tokens", "--n-predict"},
      paramLabel = "N",
      description = "Most tokens to generate (default: until the end of the text or the context).")
  private int maxTokens = TokenRequest.UNLIMITED;

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "SEED",
      description = "Seed of the draws: the same seed gives the same text (default: a new one).")
  private @Nullable Long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End before this text. May be repeated.")
  private List<String> stop = List.of();

  @Option(
      names = "--stop-token",
      paramLabel = "ID",
      description = "End at this token. May be repeated.")
  private List<Integer> stopTokens = List.of();

  @Option(names = "--ignore-eos", description = "Never let the model end the text by itself.")
  private boolean ignoreEos;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description = "With --json: the N most likely tokens beside each (0 to 100).")
  private int logprobs;

  /** The seed that is used: the one given, or one drawn the first time this is asked. */
  long seed() {
    Long known = seed;
    if (known == null) {
      known = ThreadLocalRandom.current().nextLong(1L << 32);
      seed = known;
    }
    return known;
  }

  /** A request with these options and {@link #seed}. */
  TextRequest request(TextRequest.Prompt prompt) {
    return request(prompt, seed(), List.of());
  }

  /**
   * A request with these options, but for the seed, and with more stop strings.
   *
   * @throws CommandException naming the option that is out of its limits
   */
  TextRequest request(TextRequest.Prompt prompt, long withSeed, List<String> moreStops) {
    try {
      TextRequest.Builder request =
          TextRequest.builder(prompt)
              .sampling(
                  draw.parameters(withSeed)
                      .topLogprobs(logprobs)
                      .grammar(grammar.grammar())
                      .build())
              .maxTokens(maxTokens < 0 ? TokenRequest.UNLIMITED : maxTokens)
              .stop(stop.toArray(String[]::new))
              .stop(moreStops.toArray(String[]::new))
              .ignoreEos(ignoreEos);
      stopTokens.forEach(request::stopToken);
      return request.build();
    } catch (IllegalArgumentException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }
}
