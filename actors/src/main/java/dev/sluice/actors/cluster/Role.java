package dev.sluice.actors.cluster;

import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** What a process does for its cluster. */
public enum Role {
  /** It hosts layers. */
  SHARD,
  /** It brings requests in. */
  GATEWAY,
  /** It may decide where layers go; of those that answer, the oldest does. */
  COORDINATOR;

  /** What all of them are called; Akka gives its members other names too. */
  static final Set<String> LABELS =
      Arrays.stream(values()).map(Role::label).collect(Collectors.toUnmodifiableSet());

  /** As Akka and people call it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
