package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.ops.serve.model.Backend;
import dev.sluice.ops.serve.model.PipelineView;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.flow.TokenGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** A session's model, as the server knows it. */
final class ServedModels {
  private ServedModels() {}

  /**
   * The model of a session.
   *
   * @param options of its pipeline
   * @param streams answers at a time
   * @param alias what clients call it; empty: its own name
   */
  static ServedModel of(
      Session session, PipelineOptions options, int streams, Optional<String> alias) {
    GgufFile file = session.file();
    return new ServedModel(
        alias.orElseGet(() -> name(file)),
        Instant.now().getEpochSecond(),
        Fingerprint.of(session.content(), options),
        session.tokenizer(),
        ChatTemplate.of(file.metadata(), session.tokenizer()),
        session.contextTokens(),
        streams,
        new EngineBackend(session.engine()));
  }

  /** The model's name as a word; the file's where it has none. */
  private static String name(GgufFile file) {
    String name =
        file.metadata().has("general.name")
            ? file.metadata().string("general.name")
            : String.valueOf(file.path().getFileName()).replaceFirst("\\.gguf$", "");
    String word = name.strip().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9._-]+", "-");
    return word.isEmpty() ? "model" : word.substring(0, Math.min(100, word.length()));
  }

  /** The engine, as the server sees it. */
  private record EngineBackend(Engine engine) implements Backend {
    @Override
    public TokenGenerator generator() {
      return engine.generator();
    }

    @Override
    public ActorSystem<?> system() {
      return engine.system();
    }

    @Override
    public Optional<String> trouble() {
      return switch (engine.directory().head()) {
        case HeadDirectory.At _ -> Optional.empty();
        case HeadDirectory.Missing(String reason) -> Optional.of(reason);
        case HeadDirectory.Unavailable(String reason, Duration _) -> Optional.of(reason);
        case HeadDirectory.Closed(String reason) -> Optional.of(reason);
      };
    }

    @Override
    public CompletionStage<PipelineView> view() {
      return engine.view();
    }

    @Override
    public Optional<PipelineStats> stats() {
      return engine.stats();
    }
  }
}
