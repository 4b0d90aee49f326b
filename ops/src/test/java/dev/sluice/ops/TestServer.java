package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.PipelineStats;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.mill.SluiceMill;
import dev.sluice.ops.serve.Server;
import dev.sluice.ops.serve.model.Backend;
import dev.sluice.ops.serve.model.PipelineMeter;
import dev.sluice.ops.serve.model.PipelineView;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextGeneration;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenGenerator;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;

/** A server in this process, of a small model that has learnt nothing. */
public final class TestServer implements AutoCloseable {
  /** What the model is called. */
  public static final String MODEL = "startup";

  /** Its longest sequence. */
  public static final int CONTEXT = 1024;

  private final Optional<Path> path;
  private final GgufFile file;
  private final Tokenizer tokenizer;
  private final Pipeline pipeline;
  private final Server server;
  private final int sequences;

  private TestServer(
      Optional<Path> path, GgufFile file, Pipeline pipeline, Server server, int sequences) {
    this.path = path;
    this.file = file;
    this.tokenizer = Tokenizer.of(file.metadata());
    this.pipeline = pipeline;
    this.server = server;
    this.sequences = sequences;
  }

  /** A server that has its model. */
  public static TestServer start(int sequences) {
    TestServer started = start(sequences, settings -> settings);
    started.load();
    return started;
  }

  /** A server that has its model, and room for so many tokens of each sequence. */
  public static TestServer start(int sequences, int tokensEach) {
    TestServer started = start(sequences, tokensEach, settings -> settings);
    started.load();
    return started;
  }

  /** A server that still waits for its model, which {@link #load} gives it. */
  public static TestServer start(int sequences, UnaryOperator<Server.Settings> change) {
    return start(sequences, CONTEXT, change);
  }

  /** The same with the model that comes along. */
  public static TestServer startShipped(int sequences, int tokensEach) {
    TestServer started =
        start(
            SluiceMill.open().orElseThrow(),
            Optional.empty(),
            sequences,
            tokensEach,
            settings -> settings);
    started.load();
    return started;
  }

  private static TestServer start(
      int sequences, int tokensEach, UnaryOperator<Server.Settings> change) {
    try {
      Path path = Files.createTempFile("sluice-", ".gguf");
      StartupArchive.write(path);
      return start(GgufFile.open(path), Optional.of(path), sequences, tokensEach, change);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static TestServer start(
      GgufFile file,
      Optional<Path> path,
      int sequences,
      int tokensEach,
      UnaryOperator<Server.Settings> change) {
    Pipeline pipeline =
        Pipeline.start(
            file,
            PipelineOptions.builder()
                .threads(1)
                .maxSequences(sequences)
                .contextTokens(CONTEXT)
                .kvTokens(Math.max(CONTEXT, sequences * tokensEach))
                .build());
    Server server = Server.start(change.apply(Server.Settings.local(sequences)));
    return new TestServer(path, file, pipeline, server, sequences);
  }

  /** Gives it its model. */
  public void load() {
    load(pipeline.generator());
  }

  /** Gives it a model that something else computes. */
  public void load(TokenGenerator generator) {
    server.serve(
        new ServedModel(
            MODEL,
            1_700_000_000,
            "fp_test",
            tokenizer,
            ChatTemplate.of(file.metadata(), tokenizer),
            CONTEXT,
            sequences,
            new PipelineBackend(pipeline, generator, new PipelineMeter())));
  }

  public Server server() {
    return server;
  }

  public int port() {
    return server.address().getPort();
  }

  public String url() {
    return "http://127.0.0.1:" + port();
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  public PipelineStats.Scheduling scheduling() {
    return pipeline.stats().scheduling();
  }

  /** What the pipeline answers where nobody else asks. */
  public List<TextEvent> alone(TextRequest request) {
    return TextGeneration.source(tokenizer, pipeline.generator(), request)
        .runWith(akka.stream.javadsl.Sink.seq(), pipeline.system())
        .toCompletableFuture()
        .join();
  }

  @Override
  public void close() {
    server.close();
    pipeline.close();
    file.close();
    try {
      if (path.isPresent()) {
        Files.deleteIfExists(path.get());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private record PipelineBackend(Pipeline pipeline, TokenGenerator generator, PipelineMeter meter)
      implements Backend {
    @Override
    public ActorSystem<?> system() {
      return pipeline.system();
    }

    @Override
    public Optional<String> trouble() {
      return Optional.empty();
    }

    @Override
    public CompletionStage<PipelineView> view() {
      return CompletableFuture.completedFuture(meter.read(pipeline.stats()));
    }

    @Override
    public Optional<PipelineStats> stats() {
      return Optional.of(pipeline.stats());
    }
  }
}
