package dev.sluice.actors;

import dev.sluice.model.shard.LayerRange;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Brings weights here that a node will need soon; one portion at a time. For one thread. */
final class FetchAhead {
  private record Wanted(String model, LayerRange range) {}

  private final ShardLoader loader;
  private @Nullable Wanted wanted;
  private CompletableFuture<Void> coming = CompletableFuture.completedFuture(null);

  FetchAhead(ShardLoader loader) {
    this.loader = loader;
  }

  /**
   * Begins to fetch, in place of what was wanted before.
   *
   * @return how it ends; null where that is under way, or here, since an earlier call
   */
  @Nullable CompletableFuture<Void> begin(String model, LayerRange range) {
    Wanted now = new Wanted(model, range);
    if (now.equals(wanted) && !coming.isCompletedExceptionally()) {
      return null;
    }
    end();
    wanted = now;
    coming = loader.bring(model, range, _ -> {});
    return coming;
  }

  /** Breaks off what is under way. */
  void end() {
    wanted = null;
    boolean _ = coming.cancel(false);
  }
}
