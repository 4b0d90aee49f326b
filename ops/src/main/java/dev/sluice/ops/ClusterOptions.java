package dev.sluice.ops;

import dev.sluice.actors.cluster.ClusterSettings;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a verb finds its cluster. */
final class ClusterOptions {
  @Option(
      names = "--join",
      paramLabel = "HOST:PORT,…",
      description = "Use the cluster that these nodes are members of.")
  private @Nullable String join;

  @Mixin private ClusterAccess access = new ClusterAccess();

  /** Whether a cluster is to be used. */
  boolean given() {
    return join != null;
  }

  /** Whom to join; null for nobody. */
  @Nullable String join() {
    return join;
  }

  /** The settings of a process in it. */
  ClusterAccess access() {
    return access;
  }

  /** What these options say, by configuration key. */
  Map<String, Object> flags() {
    Map<String, Object> flags = access.flags();
    if (join != null) {
      flags.put("sluice.cluster.join", join);
    }
    return flags;
  }

  /**
   * The settings.
   *
   * @param flags by configuration key
   * @throws CommandException naming what is wrong with them
   */
  ClusterSettings settings(Map<String, Object> flags) {
    return access.settings(flags);
  }
}
