package dev.sluice.ops;

import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;

/** A pipeline that is timed. For one thread; whoever starts it closes it. */
final class BenchRun implements AutoCloseable {
  private final String model;
  private final int vocabulary;
  private final Pipeline pipeline;

  /**
   * Tokens a second.
   *
   * @param mean of the runs
   * @param deviation standard deviation of the runs
   */
  record Rate(double mean, double deviation) {
    static Rate of(double[] rates) {
      double mean = DoubleStream.of(rates).average().orElseThrow();
      double squares = DoubleStream.of(rates).map(r -> (r - mean) * (r - mean)).sum();
      return new Rate(mean, rates.length < 2 ? 0 : Math.sqrt(squares / (rates.length - 1)));
    }
  }

  /** When the first token came, and the last, in nanoseconds. */
  private record Span(long first, long last) {
    Span and(long now) {
      return new Span(Math.min(first, now), now);
    }
  }

  private BenchRun(String model, int vocabulary, Pipeline pipeline) {
    this.model = model;
    this.vocabulary = vocabulary;
    this.pipeline = pipeline;
  }

  static BenchRun start(GgufFile file, PipelineOptions options) {
    String name = String.valueOf(file.path().getFileName());
    return new BenchRun(name, ModelSpec.of(file).vocabularySize(), Pipeline.start(file, options));
  }

  /** The file's name. */
  String model() {
    return model;
  }

  /** Prompts taken in, together: until each has its first token. */
  Rate prompts(int tokens, int batch, int runs) {
    return rate(
        runs,
        () -> {
          long start = System.nanoTime();
          Span span = run(tokens, 1, batch);
          return (double) tokens * batch / (span.last() - start) * 1e9;
        });
  }

  /** Tokens given out, together, from the first one on. */
  Rate generation(int tokens, int batch, int runs) {
    return rate(
        runs,
        () -> {
          Span span = run(1, tokens + 1, batch);
          return (double) tokens * batch / (span.last() - span.first()) * 1e9;
        });
  }

  private static Rate rate(int runs, DoubleSupplier run) {
    var _ = run.getAsDouble(); // warms up
    return Rate.of(DoubleStream.generate(run).limit(runs).toArray());
  }

  private Span run(int promptTokens, int maxTokens, int batch) {
    return Source.range(1, batch)
        .flatMapMerge(
            batch, seed -> pipeline.generator().generate(request(seed, promptTokens, maxTokens)))
        .filter(TokenEvent.Token.class::isInstance)
        .map(_ -> System.nanoTime())
        .runWith(Sink.fold(new Span(Long.MAX_VALUE, 0), Span::and), pipeline.system())
        .toCompletableFuture()
        .join();
  }

  /** Nothing stops it before its last token. */
  private TokenRequest request(int seed, int promptTokens, int maxTokens) {
    int[] prompt = new Random(seed).ints(promptTokens, 0, vocabulary).toArray();
    return new TokenRequest(prompt, SamplingParameters.GREEDY, maxTokens, new int[0], false);
  }

  @Override
  public void close() {
    pipeline.close();
  }
}
