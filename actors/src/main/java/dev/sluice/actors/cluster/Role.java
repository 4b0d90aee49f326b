package dev.sluice.actors.cluster;

import java.util.Locale;

/** What a process does for its cluster. */
public enum Role {
  /** It hosts layers. */
  SHARD,
  /** It brings requests in. */
  GATEWAY,
  /** It may decide where layers go; of those that answer, the oldest does. */
  COORDINATOR;

  /** As Akka and people call it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
