package dev.sluice.actors.coordination;

import org.jspecify.annotations.Nullable;

/** What {@link Coordination} knows of a node. Changed by it alone. */
final class KnownNode {
  private final NodeId id;
  private @Nullable NodeReport report;
  private boolean reachable = true;
  private long excludedUntil;
  private int failures;
  private long orderedAt;

  KnownNode(NodeId id) {
    this.id = id;
  }

  NodeId id() {
    return id;
  }

  /** The last report; null before the first. */
  @Nullable NodeReport report() {
    return report;
  }

  /** Takes a report unless a later one came already. */
  boolean accept(NodeReport later) {
    NodeReport known = report;
    if (known != null && later.sequence() <= known.sequence()) {
      return false;
    }
    report = later;
    return true;
  }

  boolean reachable() {
    return reachable;
  }

  void reachable(boolean now) {
    reachable = now;
  }

  boolean leaving() {
    NodeReport known = report;
    return known != null && known.leaving();
  }

  /** It could not load its part: it gets none for a while, and each time for longer. */
  void exclude(long now, long nanos) {
    excludedUntil = now + (nanos << Math.min(failures, 6));
    failures++;
  }

  /** It loaded its part. */
  void forgive() {
    failures = 0;
    excludedUntil = 0;
  }

  boolean excluded(long now) {
    return failures > 0 && excludedUntil - now > 0;
  }

  /** Whether a stage may be placed on it. */
  boolean usable(long now) {
    return report != null && reachable && !leaving() && !excluded(now);
  }

  void ordered(long now) {
    orderedAt = now;
  }

  boolean orderedBefore(long now, long nanos) {
    return now - orderedAt >= nanos;
  }
}
