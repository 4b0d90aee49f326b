package dev.sluice.ops;

import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.ops.serve.Server;
import dev.sluice.ops.serve.http.KeyFile;
import dev.sluice.ops.serve.http.Keys;
import dev.sluice.ops.serve.http.Tls;
import dev.sluice.ops.serve.model.GenerationObserver;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.ops.serve.trace.Collector;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice serve}: the model behind HTTP. */
@Command(
    name = "serve",
    description = "Serves the model over HTTP, as OpenAI's interface has it.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ServeCommand implements Callable<Integer> {
  private static final int INTERRUPTED = 130;

  @Mixin private ModelOption model = new ModelOption();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Where to listen (${DEFAULT-VALUE}).")
  private String host = "127.0.0.1";

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      description = "TCP port; 0 takes a free one (${DEFAULT-VALUE}).")
  private int port = 8080;

  @Option(
      names = "--streams",
      paramLabel = "N",
      description = "Answers that are computed at a time (${DEFAULT-VALUE}).")
  private int streams = 8;

  @Option(
      names = "--queue",
      paramLabel = "N",
      description = "Requests that may wait for their turn; more are refused (${DEFAULT-VALUE}).")
  private int queue = 256;

  @Option(
      names = "--alias",
      paramLabel = "NAME",
      description = "What clients call the model (default: its own name).")
  private @Nullable String alias;

  @Option(
      names = "--api-keys",
      paramLabel = "FILE",
      description =
          "Ask for one of the keys whose hashes this file has; read anew when it changes. 'sluice"
              + " key NAME' makes one (default: no keys).")
  private @Nullable Path apiKeys;

  @Option(
      names = "--tls-certificate",
      paramLabel = "FILE",
      description = "Speak TLS with this certificate (PEM); read anew when it changes.")
  private @Nullable Path certificate;

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      description = "The certificate's key (PEM, PKCS#8).")
  private @Nullable Path certificateKey;

  @Option(
      names = "--cors-origin",
      paramLabel = "ORIGIN",
      description =
          "Let web pages of this origin ask, such as https://example.org; * for any. May be"
              + " repeated (default: none).")
  private List<String> origins = List.of();

  @Option(
      names = "--max-body",
      paramLabel = "BYTES",
      description = "Longest body of a request (${DEFAULT-VALUE}).")
  private String maxBody = "8m";

  @Option(
      names = "--access-log",
      description = "A line of JSON for each request on standard error, without what was asked.")
  private boolean accessLog;

  @Option(names = "--log-prompts", description = "The same, with what was asked.")
  private boolean logPrompts;

  @Option(
      names = "--traces",
      paramLabel = "URL",
      description =
          "Send traces of requests to this collector, by OTLP over HTTP, such as"
              + " http://127.0.0.1:4318 (default: what OTEL_EXPORTER_OTLP_ENDPOINT says, or none).")
  private @Nullable String traces;

  @Option(
      names = "--drain-timeout",
      paramLabel = "SECONDS",
      description =
          "Time that running answers have when the server is told to end (${DEFAULT-VALUE}).")
  private int drainSeconds = 30;

  @Override
  public Integer call() throws InterruptedException {
    CountDownLatch told = new CountDownLatch(1);
    AtomicBoolean first = new AtomicBoolean(true);
    for (String signal : List.of("INT", "TERM")) {
      Signals.register(signal, () -> stop(told, first));
    }
    Optional<Collector> collector = collector();
    try (Server server = start(observers(collector));
        Session session = Session.open(model, cluster, this::options)) {
      ServedModel served =
          ServedModels.of(session, options(session.file()), streams, Optional.ofNullable(alias));
      server.serve(served);
      say("serving " + served.id() + " at " + url(server));
      told.await();
      int left = server.drain(Duration.ofSeconds(drainSeconds));
      if (left > 0) {
        say(left + " requests had not ended after " + drainSeconds + " s");
      }
    } finally {
      collector.ifPresent(Collector::close);
    }
    return 0;
  }

  private Optional<Collector> collector() {
    try {
      return Collector.of(traces);
    } catch (RuntimeException e) {
      throw new CommandException(Failures.message(e) + " (--traces)", e);
    }
  }

  private static GenerationObserver observers(Optional<Collector> collector) {
    return GenerationObserver.all(
        collector.<GenerationObserver>map(Collector::tracing).stream().toList());
  }

  /** Ends in good order; a second signal ends the process at once. */
  private static void stop(CountDownLatch told, AtomicBoolean first) {
    if (!first.compareAndSet(true, false)) {
      Runtime.getRuntime().halt(INTERRUPTED);
    }
    say("ending: no new requests are taken, and those that run may end");
    told.countDown();
  }

  private Server start(GenerationObserver observer) {
    Consumer<String> lines = accessLog || logPrompts ? ServeCommand::line : _ -> {};
    try {
      return Server.start(
          new Server.Settings(
              host,
              port,
              streams,
              queue,
              Bytes.parse(maxBody),
              keys(),
              new HashSet<>(origins),
              lines,
              logPrompts,
              tls(),
              observer));
    } catch (IllegalStateException e) {
      throw new CommandException(Failures.message(e) + " (--host, --port)", e);
    }
  }

  private Keys keys() {
    if (apiKeys == null) {
      return Keys.NONE;
    }
    try {
      return KeyFile.open(apiKeys, System::nanoTime);
    } catch (NoSuchFileException e) {
      throw new CommandException(apiKeys + ": no such file (--api-keys)", e);
    } catch (IOException e) {
      throw new CommandException(Failures.message(e) + " (--api-keys)", e);
    }
  }

  private @Nullable Tls tls() {
    if (certificate == null && certificateKey == null) {
      return null;
    }
    if (certificate == null || certificateKey == null) {
      throw new CommandException("--tls-certificate and --tls-key go together");
    }
    try {
      return Tls.open(certificate, certificateKey, System::nanoTime);
    } catch (IOException e) {
      throw new CommandException(Failures.message(e) + " (--tls-certificate, --tls-key)", e);
    }
  }

  private PipelineOptions options(GgufFile file) {
    return engine.pipelineForMany(streams, ModelSpec.of(file).contextLength());
  }

  private String url(Server server) {
    InetSocketAddress address = server.address();
    String name = address.getAddress().getHostAddress();
    return (certificate == null ? "http" : "https")
        + "://"
        + (name.contains(":") ? "[" + name + "]" : name)
        + ":"
        + address.getPort();
  }

  private static void say(String line) {
    line("sluice: " + line);
  }

  private static void line(String line) {
    synchronized (Streams.err()) {
      Streams.err().println(line);
      Streams.err().flush();
    }
  }
}
