package dev.sluice.ops;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigUtil;
import dev.sluice.actors.placement.KernelRate;
import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.model.gguf.GgmlType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Nodes as people write them: {@code a=12g,4,b=8g,2} with name, memory and cores, {@code 12g,8g}
 * with memory alone, or a HOCON or JSON file:
 *
 * <pre>{@code
 * nodes = [
 *   { name = a, memory = 12g, cores = 4,
 *     speeds { q8_0 { decode = 2.1e10, prompt = 8.5e10 } } # multiply-adds a second
 *     round-trips { b = 300us } }
 *   { name = b, memory = 8g }
 * ]
 * }</pre>
 */
final class NodeList {
  private static final Pattern FILE_NAME = Pattern.compile(".+\\.(json|conf|hocon)");
  private static final Pattern CORES = Pattern.compile("[0-9]{1,5}");
  private static final long MAX_FILE_BYTES = 1 << 20;
  private static final int MAX_NODES = 256;

  private NodeList() {}

  /**
   * Reads either form.
   *
   * @throws CommandException saying what is wrong where
   */
  static List<NodeOffer> parse(String text) {
    List<NodeOffer> nodes =
        FILE_NAME.matcher(text).matches() ? fromFile(Path.of(text)) : fromText(text);
    if (nodes.size() > MAX_NODES) {
      throw new CommandException(
          "--nodes: " + nodes.size() + " nodes; at most " + MAX_NODES + " can be planned for");
    }
    return nodes;
  }

  private static List<NodeOffer> fromText(String text) {
    List<NodeOffer> nodes = new ArrayList<>();
    String[] parts = text.split(",", -1);
    for (int i = 0; i < parts.length; i++) {
      String part = parts[i].strip();
      int equals = part.indexOf('=');
      String name = equals < 0 ? "node-" + (nodes.size() + 1) : part.substring(0, equals).strip();
      long memory = memory(name, part.substring(equals + 1));
      int cores = 1;
      if (equals >= 0 && i + 1 < parts.length && CORES.matcher(parts[i + 1].strip()).matches()) {
        i++;
        cores = Integer.parseInt(parts[i].strip());
      }
      nodes.add(offer(name, memory, cores, Map.of(), Map.of()));
    }
    return nodes;
  }

  private static List<NodeOffer> fromFile(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new CommandException(file + ": no such file (--nodes)");
      }
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new CommandException(file + ": larger than a list of nodes can be (--nodes)");
      }
      Config config =
          ConfigFactory.parseString(
                  Files.readString(file),
                  ConfigParseOptions.defaults().setOriginDescription(file.toString()))
              .resolve();
      List<NodeOffer> nodes = new ArrayList<>();
      for (Config node : config.getConfigList("nodes")) {
        nodes.add(fromConfig(node));
      }
      return nodes;
    } catch (IOException e) {
      throw new CommandException(file + ": cannot be read: " + Failures.message(e), e);
    } catch (ConfigException e) {
      throw new CommandException(Failures.message(e) + " (--nodes)", e);
    }
  }

  private static NodeOffer fromConfig(Config node) {
    Map<GgmlType, KernelRate> speeds = new EnumMap<>(GgmlType.class);
    if (node.hasPath("speeds")) {
      Config config = node.getConfig("speeds");
      for (String name : config.root().keySet()) {
        Config speed = config.getConfig(quoted(name));
        speeds.put(type(name), rate(speed.getDouble("decode"), speed.getDouble("prompt")));
      }
    }
    Map<String, Long> roundTrips = new HashMap<>();
    if (node.hasPath("round-trips")) {
      Config config = node.getConfig("round-trips");
      for (String name : config.root().keySet()) {
        roundTrips.put(name, config.getDuration(quoted(name)).toNanos());
      }
    }
    String name = node.getString("name");
    return offer(
        name,
        memory(name, node.getString("memory")),
        node.hasPath("cores") ? node.getInt("cores") : 1,
        speeds,
        roundTrips);
  }

  private static long memory(String name, String text) {
    try {
      return Bytes.parse(text);
    } catch (CommandException e) {
      throw new CommandException("--nodes: node " + name + ": " + Failures.message(e), e);
    }
  }

  private static String quoted(String key) {
    return ConfigUtil.joinPath(key);
  }

  private static GgmlType type(String name) {
    try {
      return GgmlType.valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new CommandException("'" + name + "' is no type of weights (--nodes)", e);
    }
  }

  private static KernelRate rate(double decode, double prompt) {
    try {
      return new KernelRate(decode, prompt);
    } catch (IllegalArgumentException e) {
      throw new CommandException("--nodes: " + Failures.message(e), e);
    }
  }

  private static NodeOffer offer(
      String name,
      long memory,
      int cores,
      Map<GgmlType, KernelRate> speeds,
      Map<String, Long> roundTrips) {
    try {
      return new NodeOffer(name, memory, cores, speeds, roundTrips);
    } catch (IllegalArgumentException e) {
      throw new CommandException("--nodes: " + Failures.message(e), e);
    }
  }
}
