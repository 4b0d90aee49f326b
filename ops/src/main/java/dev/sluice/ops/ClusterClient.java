package dev.sluice.ops;

import com.typesafe.config.ConfigException;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.PipelineException;
import dev.sluice.actors.cluster.ClusterNode;
import dev.sluice.actors.cluster.ClusterSettings;
import dev.sluice.actors.cluster.ModelLibrary;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.store.ContentId;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A process that joins a cluster for one command, hosting nothing. */
public final class ClusterClient implements AutoCloseable {
  private static final Duration JOIN = Duration.ofSeconds(20);
  private static final Duration ANSWER = Duration.ofSeconds(30);

  private final ClusterNode node;
  private final @Nullable ModelLibrary library;

  private ClusterClient(ClusterNode node, @Nullable ModelLibrary library) {
    this.node = node;
    this.library = library;
  }

  /**
   * Joins, as a gateway at any free port.
   *
   * @throws CommandException where no member answers
   */
  static ClusterClient join(ClusterOptions options) {
    return join(options, null);
  }

  /** As {@link #join(ClusterOptions)}; what it {@link #fetch fetches} goes into {@code store}. */
  static ClusterClient join(ClusterOptions options, @Nullable ModelStore store) {
    String members = options.join();
    if (members == null) {
      throw new CommandException("which cluster? Name a node of it: --join HOST:PORT");
    }
    return join(members, options.access(), store);
  }

  /** Joins the cluster of some members, {@code HOST:PORT} with commas between them. */
  public static ClusterClient join(
      String members, ClusterAccess access, @Nullable ModelStore store) {
    Map<String, Object> flags = access.flags();
    flags.put("sluice.cluster.join", members);
    flags.put("sluice.node.port", 0);
    flags.put("sluice.node.roles", "gateway");
    ClusterSettings settings = access.settings(flags);
    ModelLibrary library =
        store == null ? null : new ModelLibrary(null, store, ModelLibrary.Watcher.NONE);
    ClusterClient client = new ClusterClient(start(settings, library, _ -> {}), library);
    try {
      ClusterNode.get(client.node.joined(), JOIN, "joining " + String.join(", ", settings.join()));
      return client;
    } catch (IllegalStateException e) {
      client.close();
      throw new CommandException(
          "no member of a cluster answers at " + String.join(", ", settings.join()), e);
    }
  }

  /**
   * Starts a member.
   *
   * @throws CommandException where a setting, or a port, is not to be had
   */
  static ClusterNode start(
      ClusterSettings settings, @Nullable ModelLibrary library, Consumer<String> log) {
    try {
      return ClusterNode.start(settings, library, log);
    } catch (IllegalArgumentException | ConfigException | PipelineException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  ClusterNode node() {
    return node;
  }

  /** What the members do. */
  public CoordinatorActor.Status status() {
    return get(node.status(), "the cluster");
  }

  /** Waits for an answer. */
  static <T> T get(CompletionStage<T> answer, String what) {
    try {
      return ClusterNode.get(answer, ANSWER, what);
    } catch (IllegalStateException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  /**
   * Brings a portion of a model into the store, from the members that have some of it.
   *
   * @return the model, open, which the caller closes
   * @throws CommandException if nobody gives it, or it cannot be kept
   */
  public GgufFile fetch(ContentId id, Portion portion, Consumer<FetchProgress> progress) {
    if (library == null) {
      throw new IllegalStateException("joined without a store");
    }
    try {
      return library.fetch(id, portion, progress).join();
    } catch (CompletionException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  @Override
  public void close() {
    node.close();
    if (library != null) {
      library.close();
    }
  }
}
