package dev.sluice.actors.cluster;

import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.StoredLayers;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.actors.weights.WeightTransfer;
import dev.sluice.actors.weights.WeightsException;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.store.ContentId;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import dev.sluice.model.store.StoreException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The models that this process has or can get: the file that it was given, what is in its store,
 * and what other nodes of the cluster have. Over all its memberships; for any thread. Who makes it
 * closes it, after the member.
 */
public final class ModelLibrary implements AutoCloseable {
  /** Models fetched from the cluster that a process keeps open in its life. */
  private static final int MAX_FETCHED = 16;

  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Told of fetches, on any thread. */
  public interface Watcher {
    /** Tells nobody. */
    Watcher NONE =
        new Watcher() {
          @Override
          public void onProgress(String what, FetchProgress progress) {}

          @Override
          public void onEnd(String what, @Nullable String failure) {}
        };

    /** {@code what}, such as the layers of a model, is so far. */
    void onProgress(String what, FetchProgress progress);

    /** It is here; or why it is not. */
    void onEnd(String what, @Nullable String failure);
  }

  /** A model of which at least the header was fetched. Its file gives what the store has. */
  private record Fetched(GgufFile file, ModelFootprint footprint) {}

  /** A header on its way; or why the last one did not come, and when. */
  private record Header(@Nullable String failure, long since) {}

  private final @Nullable LocalModel own;
  private final ModelStore store;
  private final Watcher watcher;
  private final Map<String, Fetched> fetched = new HashMap<>();
  private final Map<String, Header> headers = new HashMap<>();
  private final Map<WeightTransfer.Fetch, CompletableFuture<GgufFile>> active = new HashMap<>();
  private @Nullable WeightTransfer transfer;
  private volatile @Nullable StoredLayers stored;
  private volatile @Nullable Consumer<GgufFile> firstKnown;

  /**
   * A library that is in no cluster yet.
   *
   * @param own the model that this process was given; null for none
   * @param store where fetched models are kept
   */
  public ModelLibrary(@Nullable LocalModel own, ModelStore store, Watcher watcher) {
    this.own = own;
    this.store = store;
    this.watcher = watcher;
  }

  ModelStore store() {
    return store;
  }

  /** Has {@code user} look at the first model whose header is here: now, or when it comes. */
  void whenKnown(Consumer<GgufFile> user) {
    LocalModel mine = own;
    if (mine != null) {
      user.accept(mine.file());
    } else {
      firstKnown = user;
    }
  }

  /** The model that this process was given; null for none. */
  @Nullable ModelCard card() {
    return own == null ? null : own.card();
  }

  /** What is in the store of the model that the cluster runs; null for nothing. */
  @Nullable StoredLayers stored() {
    return stored;
  }

  /** The process is a member anew; fetches of the time before have failed. */
  synchronized void connect(WeightTransfer with) {
    disconnect();
    transfer = with;
    LocalModel mine = own;
    if (mine != null) {
      with.offer(mine.file(), mine.manifest());
    }
  }

  /** The process is no member any more. */
  void disconnect() {
    Map<WeightTransfer.Fetch, CompletableFuture<GgufFile>> broken;
    synchronized (this) {
      transfer = null;
      broken = Map.copyOf(active);
      active.clear();
    }
    broken.forEach(
        (fetch, result) -> {
          result.completeExceptionally(
              new WeightsException("broken off: this process is in the cluster no longer"));
          fetch.cancel();
        });
  }

  /**
   * Brings a portion of a model here, as {@link WeightTransfer#fetch} does.
   *
   * @return the model, open, which the caller closes; cancelling it ends the fetch
   */
  public CompletableFuture<GgufFile> fetch(
      ContentId id, Portion portion, Consumer<FetchProgress> progress) {
    String what = portion + " of model " + id.brief();
    CompletableFuture<GgufFile> result = new CompletableFuture<>();
    WeightTransfer.Fetch fetch;
    synchronized (this) {
      WeightTransfer from = transfer;
      if (from == null) {
        result.completeExceptionally(
            new WeightsException(what + ": this process is in no cluster at the moment"));
        return result;
      }
      fetch =
          from.fetch(
              id,
              portion,
              p -> {
                progress.accept(p);
                watcher.onProgress(what, p);
              });
      active.put(fetch, result);
    }
    var _ =
        fetch
            .file()
            .whenComplete(
                (file, failure) -> {
                  synchronized (this) {
                    active.remove(fetch);
                  }
                  onFetched(result, what, file, failure);
                });
    var _ =
        result.whenComplete(
            (_, _) -> {
              if (result.isCancelled()) {
                fetch.cancel();
              }
            });
    return result;
  }

  private void onFetched(
      CompletableFuture<GgufFile> result,
      String what,
      @Nullable GgufFile file,
      @Nullable Throwable failure) {
    if (failure != null) {
      if (!result.isCancelled()) {
        watcher.onEnd(what, message(failure));
      }
      result.completeExceptionally(failure);
    } else if (file != null) {
      watcher.onEnd(what, null);
      if (!result.complete(file)) {
        file.close();
      }
    }
  }

  private static String message(Throwable failure) {
    return Objects.requireNonNullElse(failure.getMessage(), failure.toString());
  }

  private @Nullable LocalModel own(String content) {
    return own != null && own.card().content().equals(content) ? own : null;
  }

  /**
   * What a model's parts weigh.
   *
   * @throws PlacementException as long as its header is not here
   */
  ModelFootprint footprint(String content) {
    LocalModel mine = own(content);
    if (mine != null) {
      return mine.footprint();
    }
    foresee(content);
    synchronized (this) {
      Fetched there = fetched.get(content);
      if (there != null) {
        return there.footprint();
      }
      Header header = headers.get(content);
      String model = new ContentId(content).brief();
      throw new PlacementException(
          header == null || header.failure() == null
              ? "The coordinator fetches the header of model " + model + "."
              : "The coordinator cannot get the header of model "
                  + model
                  + ": "
                  + header.failure());
    }
  }

  /** Fetches the header of a model that the cluster runs, unless it is here or on its way. */
  void foresee(String content) {
    synchronized (this) {
      Header header = headers.get(content);
      boolean wait =
          header != null
              && (header.failure() == null || System.nanoTime() - header.since() < RETRY_NANOS);
      if (own(content) != null || fetched.containsKey(content) || wait) {
        return;
      }
      if (headers.size() >= MAX_FETCHED) {
        headers.clear();
      }
      headers.put(content, new Header(null, System.nanoTime()));
    }
    var _ =
        fetch(new ContentId(content), Portion.header(), _ -> {})
            .whenComplete(
                (file, failure) -> {
                  Throwable wrong = failure != null ? failure : keep(content, file);
                  synchronized (this) {
                    headers.remove(content);
                    if (wrong != null) {
                      headers.put(content, new Header(message(wrong), System.nanoTime()));
                    }
                  }
                });
  }

  /**
   * Keeps a model open for those who will load it, unless it is open already.
   *
   * @return why it is not kept; null if it is
   */
  private @Nullable Throwable keep(String content, GgufFile file) {
    boolean kept = false;
    try {
      ModelFootprint footprint = ModelFootprint.of(file);
      synchronized (this) {
        if (!fetched.containsKey(content)) {
          if (fetched.size() >= MAX_FETCHED) {
            throw new WeightsException(
                "this node has fetched "
                    + MAX_FETCHED
                    + " models since it started, and keeps no more: start it anew");
          }
          fetched.put(content, new Fetched(file, footprint));
          kept = true;
        }
      }
      Consumer<GgufFile> user = firstKnown;
      if (kept && user != null) {
        firstKnown = null;
        user.accept(file);
      }
      ContentId id = new ContentId(content);
      stored =
          store
              .find(id)
              .map(
                  model -> {
                    try (model) {
                      return new StoredLayers(content, model.layers());
                    }
                  })
              .orElse(null);
      return null;
    } catch (WeightsException | ModelFileException | StoreException | IllegalArgumentException e) {
      return e;
    } finally {
      if (!kept) {
        file.close();
      }
    }
  }

  /**
   * Brings the weights of some layers here, unless they are.
   *
   * @return cancelling it ends the fetch
   */
  CompletableFuture<Void> bring(
      String content, LayerRange range, Consumer<FetchProgress> progress) {
    if (own(content) != null) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Void> result = new CompletableFuture<>();
    CompletableFuture<GgufFile> coming =
        fetch(new ContentId(content), Portion.layers(range), progress);
    var _ =
        coming.whenComplete(
            (file, failure) -> {
              Throwable wrong = failure != null ? failure : keep(content, file);
              if (wrong == null) {
                result.complete(null);
              } else {
                result.completeExceptionally(wrong);
              }
            });
    var _ =
        result.whenComplete(
            (_, _) -> {
              if (result.isCancelled()) {
                coming.cancel(false);
              }
            });
    return result;
  }

  /**
   * The file of a model; tensors that were not {@linkplain #bring brought} throw when their data is
   * asked for.
   *
   * @throws IllegalStateException if nothing of it is here
   */
  GgufFile file(String content) {
    LocalModel mine = own(content);
    if (mine != null) {
      return mine.file();
    }
    synchronized (this) {
      Fetched there = fetched.get(content);
      if (there == null) {
        throw new IllegalStateException("this node does not have the model " + content);
      }
      return there.file();
    }
  }

  /** Closes what was fetched, not the file that the process was given. */
  @Override
  public void close() {
    disconnect();
    synchronized (this) {
      fetched.values().forEach(model -> model.file().close());
      fetched.clear();
    }
  }
}
