package dev.sluice.ops;

import akka.NotUsed;
import akka.stream.javadsl.Flow;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextGeneration;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.tokenizer.Tokenizer;

/**
 * A model at work for one command: the file, its tokenizer and its pipeline. An interrupt or a
 * termination of the process closes it too, so that nothing of it stays behind.
 */
final class Session implements AutoCloseable {
  private static volatile boolean exiting;

  private final GgufFile file;
  private final Tokenizer tokenizer;
  private final Engine engine;
  private final int contextTokens;
  private final Thread onExit = new Thread(this::exit, "sluice-exit");
  private boolean closed;

  private Session(GgufFile file, Tokenizer tokenizer, Engine engine, int contextTokens) {
    this.file = file;
    this.tokenizer = tokenizer;
    this.engine = engine;
    this.contextTokens = contextTokens;
  }

  /**
   * Loads the model, or joins the cluster that has; the session closes {@code file}, also when this
   * fails.
   */
  static Session open(GgufFile file, PipelineOptions options, ClusterOptions cluster) {
    try {
      Tokenizer tokenizer = Tokenizer.of(file.metadata());
      int contextTokens = options.effectiveContext(ModelSpec.of(file).contextLength());
      Engine engine =
          cluster.given()
              ? ClusterEngine.join(file, cluster)
              : new PipelineEngine(Pipeline.start(file, options));
      Session session = new Session(file, tokenizer, engine, contextTokens);
      Runtime.getRuntime().addShutdownHook(session.onExit);
      return session;
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  GgufFile file() {
    return file;
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
