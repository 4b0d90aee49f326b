package dev.sluice.actors.probe;

import dev.sluice.actors.placement.KernelRate;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.kernel.WorkerPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was measured of a node: how fast it computes, and how far other nodes are. Both come later
 * than the node does, since nothing waits for them. For any thread.
 */
public final class NodeFigures {
  private static final Logger LOG = LoggerFactory.getLogger(NodeFigures.class);

  private static final List<Duration> PAUSES =
      List.of(Duration.ofSeconds(20), Duration.ofMinutes(1), Duration.ofMinutes(5));

  private final @Nullable Path cache;
  private final WorkerPool pool;
  private final AtomicBoolean begun = new AtomicBoolean();
  private volatile Map<GgmlType, KernelRate> speeds = Map.of();
  private volatile Map<String, Long> roundTrips = Map.of();

  private NodeFigures(@Nullable Path cache, WorkerPool pool) {
    this.cache = cache;
    this.pool = pool;
  }

  /**
   * Of a node that measures how fast it computes.
   *
   * @param cache where measured speeds are kept, see {@link KernelSpeed#defaultFolder}
   * @param pool the threads that compute
   */
  public static NodeFigures measured(Path cache, WorkerPool pool) {
    return new NodeFigures(cache, pool);
  }

  /** Of a node that counts by its cores, and does not measure how fast they are. */
  public static NodeFigures counted(WorkerPool pool) {
    return new NodeFigures(null, pool);
  }

  /**
   * Measures in the background, for about a second, and for what could not be measured because
   * other programs had the processor a few times again, minutes later. Does nothing where that was
   * begun already or is not wanted.
   *
   * @param kinds of the matrices of the model that the node is for
   * @return completes when it was tried once
   */
  public CompletionStage<Void> measure(List<MatrixKind> kinds) {
    Path folder = cache;
    if (folder == null || kinds.isEmpty() || !begun.compareAndSet(false, true)) {
      return CompletableFuture.completedStage(null);
    }
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofPlatform()
        .name("sluice-kernel-speed")
        .daemon(true)
        .start(
            () -> {
              boolean all = measure(kinds, folder);
              done.complete(null);
              for (int i = 0; i < PAUSES.size() && !all; i++) {
                LockSupport.parkNanos(PAUSES.get(i).toNanos());
                all = measure(kinds, folder);
              }
            });
    return done;
  }

  /** Whether there is nothing left to measure. */
  private boolean measure(List<MatrixKind> kinds, Path folder) {
    try {
      speeds = Map.copyOf(KernelSpeed.of(kinds, pool, folder));
      return speeds.size() == kinds.size();
    } catch (RuntimeException e) {
      LOG.info("This node counts by its cores, since its speed could not be measured", e);
      return true;
    }
  }

  /** Measured speeds by the weights' type; without those that were not measured (yet). */
  public Map<GgmlType, KernelRate> speeds() {
    return speeds;
  }

  /** Round trips in nanoseconds by the names of other nodes. */
  public Map<String, Long> roundTrips() {
    return roundTrips;
  }

  /** Takes what a {@link LinkProbe} has measured. */
  public void roundTrips(Map<String, Long> nanos) {
    roundTrips = Map.copyOf(nanos);
  }
}
