package dev.sluice.ops;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigValue;
import dev.sluice.actors.cluster.ClusterSettings;
import dev.sluice.actors.security.SecurityConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * The settings of a process in a cluster. What a flag does not say, an environment variable may,
 * then a file, then reference.conf, under the same keys.
 */
public final class ClusterAccess {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Take settings from this file (HOCON, as reference.conf has them).")
  private @Nullable Path file;

  @Option(
      names = "--insecure",
      description = "Open ports to other machines without certificates and secret.")
  private boolean insecure;

  /** Made by the command line. */
  public ClusterAccess() {}

  /** What these options say, by configuration key. */
  Map<String, Object> flags() {
    Map<String, Object> flags = new HashMap<>();
    if (insecure) {
      flags.put("sluice.security.insecure", true);
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
    try {
      return ClusterSettings.of(config(flags));
    } catch (IllegalArgumentException | ConfigException | SecurityConfigException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  private Config config(Map<String, Object> flags) {
    Config layers = ConfigFactory.parseMap(flags, "the command line").withFallback(environment());
    if (file != null) {
      if (!Files.isRegularFile(file)) {
        throw new CommandException(file + ": no such file (--config)");
      }
      layers =
          layers.withFallback(
              ConfigFactory.parseFile(
                  file.toFile(), ConfigParseOptions.defaults().setAllowMissing(false)));
    }
    return layers;
  }

  /** What environment variables change of reference.conf: so they come before a file. */
  private static Config environment() {
    Config reference = ConfigFactory.defaultReferenceUnresolved();
    Config with = reference.resolve().getConfig("sluice");
    Config without =
        reference
            .resolve(ConfigResolveOptions.defaults().setUseSystemEnvironment(false))
            .getConfig("sluice");
    Map<String, Object> changed = new HashMap<>();
    for (Map.Entry<String, ConfigValue> entry : with.entrySet()) {
      String key = entry.getKey();
      if (!without.hasPath(key) || !without.getValue(key).equals(entry.getValue())) {
        changed.put("sluice." + key, entry.getValue().unwrapped());
      }
    }
    return ConfigFactory.parseMap(changed, "the environment");
  }
}
