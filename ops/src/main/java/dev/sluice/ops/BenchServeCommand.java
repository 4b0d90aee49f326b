package dev.sluice.ops;

import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.ops.load.LoadPlan;
import dev.sluice.ops.load.LoadReport;
import dev.sluice.ops.load.LoadRun;
import dev.sluice.ops.load.MemoryWatch;
import dev.sluice.ops.serve.Server;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice bench serve}: a server under load. */
@Command(
    name = "serve",
    description = {
      "Asks a server for many streams at a time and tells how soon tokens came, how many",
      "were lost, and whether each answer was that of the same request asked alone."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class BenchServeCommand implements Callable<Integer> {
  @Mixin private ModelOption model = new ModelOption();
  @Mixin private EngineOptions engine = new EngineOptions();

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "The server (default: one in this process, with --model).")
  private @Nullable URI url;

  @Option(names = "--api-key", paramLabel = "KEY", description = "For the server of --url.")
  private @Nullable String key;

  @Option(
      names = "--clients",
      paramLabel = "N",
      description =
          "Clients that each ask again as soon as they are answered (default: 200, without"
              + " --rate).")
  private int clients = 200;

  @Option(
      names = "--rate",
      paramLabel = "N",
      description =
          "Instead: so many requests a second, at random times, however fast they are answered.")
  private double rate;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long requests are begun (${DEFAULT-VALUE}).")
  private int seconds = 60;

  @Option(
      names = {"-n", "--predict"},
      paramLabel = "TOKENS",
      description = "Tokens of an answer (${DEFAULT-VALUE}).")
  private int tokens = 64;

  @Option(
      names = "--different",
      paramLabel = "N",
      description = "Requests that differ in prompt or seed (${DEFAULT-VALUE}).")
  private int different = 32;

  @Option(
      names = "--streams",
      paramLabel = "N",
      description = "Answers that the server in this process computes at a time (default: 200).")
  private int streams = 200;

  @Option(names = "--seed", paramLabel = "N", description = "Of times and answers (default: 1).")
  private long seed = 1;

  @Option(
      names = "--first-within",
      paramLabel = "MS",
      description = "A request is good with its first token in this time (${DEFAULT-VALUE})")
  private int firstWithin = 1_000;

  @Option(
      names = "--between-within",
      paramLabel = "MS",
      description = "and the others after each other so, on average (${DEFAULT-VALUE}).")
  private int betweenWithin = 200;

  @Option(names = "--json", description = "Print one object.")
  private boolean asJson;

  @Override
  public Integer call() throws InterruptedException {
    if (url != null) {
      return measure(url, Optional.empty());
    }
    try (Server server =
            Server.start(Server.Settings.local(streams).withQueue(LoadPlan.MAX_CLIENTS));
        Session session = Session.open(model, new ClusterOptions(), this::options)) {
      server.serve(ServedModels.of(session, options(session.file()), streams, Optional.empty()));
      URI local = URI.create("http://127.0.0.1:" + server.address().getPort());
      try (MemoryWatch memory = MemoryWatch.start(Duration.ofSeconds(Math.max(1, seconds / 4)))) {
        return measure(local, Optional.of(memory));
      }
    }
  }

  private PipelineOptions options(GgufFile file) {
    return engine.pipelineForMany(streams, ModelSpec.of(file).contextLength());
  }

  private int measure(URI server, Optional<MemoryWatch> memory) throws InterruptedException {
    LoadReport report;
    try (Progress progress = new Progress()) {
      report =
          new LoadRun(
                  plan(server),
                  count -> {
                    synchronized (progress) {
                      progress.say(() -> count + " answers");
                    }
                  })
              .run();
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new CommandException(Failures.message(e), e);
    }
    memory.ifPresent(MemoryWatch::end);
    if (asJson) {
      Json.print(
          json -> {
            report.write(json);
            if (memory.isPresent()) {
              memory.get().write(json);
            }
          });
    } else {
      Streams.out().print(report + memory.map(MemoryWatch::toString).orElse(""));
      Streams.out().flush();
    }
    return report.differing() > 0 || report.lost() > 0 ? 1 : 0;
  }

  private LoadPlan plan(URI server) {
    return new LoadPlan(
        server,
        Optional.ofNullable(key),
        rate > 0 ? 0 : clients,
        rate,
        Duration.ofSeconds(seconds),
        different,
        tokens,
        seed,
        Duration.ofMillis(firstWithin),
        Duration.ofMillis(betweenWithin));
  }
}
