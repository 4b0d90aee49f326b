package dev.sluice.ops;

import akka.NotUsed;
import akka.stream.javadsl.Flow;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.ops.serve.model.PipelineMeter;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextGeneration;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A model at work for one command: the file, its tokenizer and its pipeline. An interrupt or a
 * termination of the process closes it too, so that nothing of it stays behind.
 */
final class Session implements AutoCloseable {
  private static volatile boolean exiting;

  private final GgufFile file;
  private final Tokenizer tokenizer;
  private final Engine engine;
  private final Supplier<String> content;
  private final int contextTokens;
  private final Thread onExit = new Thread(this::exit, "sluice-exit");
  private boolean closed;

  private Session(
      GgufFile file,
      Supplier<String> content,
      Tokenizer tokenizer,
      Engine engine,
      int contextTokens) {
    this.file = file;
    this.content = content;
    this.tokenizer = tokenizer;
    this.engine = engine;
    this.contextTokens = contextTokens;
  }

  /**
   * Loads the model, or joins the cluster that has.
   *
   * @param options of the pipeline, by the model's file
   */
  static Session open(
      ModelOption model, ClusterOptions cluster, Function<GgufFile, PipelineOptions> options) {
    return cluster.given() ? join(model, cluster, options) : load(model, options);
  }

  private static Session load(ModelOption model, Function<GgufFile, PipelineOptions> options) {
    GgufFile file = model.open();
    try {
      Tokenizer tokenizer = Tokenizer.of(file.metadata());
      PipelineOptions chosen = options.apply(file);
      int context = chosen.effectiveContext(ModelSpec.of(file).contextLength());
      return started(
          new Session(
              file,
              () -> model.store().manifest(file).id().hex(),
              tokenizer,
              new PipelineEngine(Pipeline.start(file, chosen), new PipelineMeter()),
              context));
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private static Session join(
      ModelOption model, ClusterOptions cluster, Function<GgufFile, PipelineOptions> options) {
    ClusterEngine engine = ClusterEngine.join(model, cluster);
    GgufFile file = engine.file();
    try {
      Tokenizer tokenizer = Tokenizer.of(file.metadata());
      int there = engine.contextTokens();
      int context =
          there != 0
              ? there
              : options.apply(file).effectiveContext(ModelSpec.of(file).contextLength());
      return started(new Session(file, engine::content, tokenizer, engine, context));
    } catch (RuntimeException | Error e) {
      engine.close();
      file.close();
      throw e;
    }
  }

  private static Session started(Session session) {
    Runtime.getRuntime().addShutdownHook(session.onExit);
    return session;
  }

  /** The model; of a cluster's, the header is enough to be here. */
  GgufFile file() {
    return file;
  }

  /** Id of the model's content. Reads all of a file that was not read before. */
  String content() {
    return content.get();
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /** What computes. */
  Engine engine() {
    return engine;
  }

  /** Tokens that a sequence, prompt and answer, may have. */
  int contextTokens() {
    return contextTokens;
  }

  /** Text in, text out. */
  Flow<TextRequest, TextEvent, NotUsed> text() {
    return TextGeneration.flow(tokenizer, engine.generator());
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(onExit);
    } catch (IllegalStateException e) {
      // The process ends already; the hook may be closing, or about to.
    }
    shutDown();
  }

  /** Whether the process was told to end, so that what fails now is no news. */
  static boolean exiting() {
    return exiting;
  }

  private void exit() {
    exiting = true;
    shutDown();
  }

  private synchronized void shutDown() {
    if (!closed) {
      closed = true;
      engine.close();
      file.close();
    }
  }
}
