package dev.sluice.ops;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.opentest4j.TestAbortedException;

/**
 * Machines that are network namespaces, each with one end of a veth pair whose other end is at a
 * bridge; this process's own namespace is at the bridge by such a pair too. Linux, as root.
 */
final class NetworkNamespaces implements AutoCloseable {
  /** No name of a device may be longer than 15 characters. */
  private final String prefix = "sl" + ProcessHandle.current().pid() % 100_000;

  private final String net = "10.77." + ProcessHandle.current().pid() % 250 + ".";
  private final List<String> machines = new ArrayList<>();

  /**
   * Makes machines.
   *
   * @throws TestAbortedException where this is not permitted, or not known here
   */
  NetworkNamespaces(int count) throws IOException, InterruptedException {
    try {
      ip("link", "add", bridge(), "type", "bridge");
      ip("link", "set", bridge(), "up");
      ip("link", "add", prefix + "h", "type", "veth", "peer", "name", prefix + "e");
      ip("link", "set", prefix + "h", "master", bridge(), "up");
      ip("addr", "add", host() + "/24", "dev", prefix + "e");
      ip("link", "set", prefix + "e", "up");
      for (int i = 0; i < count; i++) {
        String name = prefix + "n" + i;
        ip("netns", "add", name);
        machines.add(name);
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
        ip("link", "set", name, "master", bridge(), "up");
        inside(i, "ip", "addr", "add", address(i) + "/24", "dev", "eth0");
        inside(i, "ip", "link", "set", "eth0", "up");
        inside(i, "ip", "link", "set", "lo", "up");
      }
    } catch (IOException e) {
      close();
      throw new TestAbortedException(
          "network namespaces cannot be made here (" + e.getMessage() + "): skipped", e);
    }
  }

  private String bridge() {
    return prefix + "b";
  }

  /** The address of this process's namespace. */
  String host() {
    return net + 1;
  }

  /** The address of a machine. */
  String address(int machine) {
    return net + (10 + machine);
  }

  /** The machine that has an address. */
  int machine(String address) {
    return Integer.parseInt(address.substring(net.length(), address.indexOf(':'))) - 10;
  }

  /** What runs a command on a machine. */
  List<String> on(int machine) {
    return List.of("ip", "netns", "exec", machines.get(machine));
  }

  /** Takes a machine's cable out, or puts it in again. */
  void cable(int machine, boolean in) throws IOException, InterruptedException {
    ip("link", "set", machines.get(machine), in ? "up" : "down");
  }

  /** Takes this process's own cable out, or puts it in again. */
  void hostCable(boolean in) throws IOException, InterruptedException {
    ip("link", "set", prefix + "h", in ? "up" : "down");
  }

  /**
   * What a machine's link does to what is sent on it; nothing any more without words.
   *
   * @param discipline as tc has it
   * @throws TestAbortedException where this kernel knows no such discipline
   */
  void discipline(int machine, String... discipline) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of("tc", "qdisc"));
    line.addAll(List.of(discipline.length == 0 ? "del" : "replace", "dev", "eth0", "root"));
    line.addAll(List.of(discipline));
    try {
      inside(machine, line.toArray(String[]::new));
    } catch (IOException e) {
      throw new TestAbortedException(e.getMessage() + ": skipped", e);
    }
  }

  /**
   * Drops so many of a hundred packets that come to a machine from others, at random; 0 for none.
   *
   * @throws TestAbortedException where there is no nftables
   */
  void lose(int machine, int percent) throws IOException, InterruptedException {
    String rules =
        "add table inet loss; delete table inet loss;"
            + (percent == 0
                ? ""
                : " add table inet loss;"
                    + " add chain inet loss in { type filter hook input priority 0; };"
                    + " add rule inet loss in iifname eth0 numgen random mod 100 < "
                    + percent
                    + " drop");
    try {
      inside(machine, "nft", rules);
    } catch (IOException e) {
      throw new TestAbortedException(e.getMessage() + ": skipped", e);
    }
  }

  private void inside(int machine, String... command) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(on(machine));
    line.addAll(List.of(command));
    execute(line);
  }

  private static void ip(String... arguments) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of("ip"));
    line.addAll(List.of(arguments));
    execute(line);
  }

  private static void execute(List<String> line) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException(String.join(" ", line) + ": " + said.strip());
    }
  }

  @Override
  public void close() {
    for (String machine : machines) {
      tryTo("netns", "del", machine);
    }
    tryTo("link", "del", prefix + "h");
    tryTo("link", "del", bridge());
  }

  private static void tryTo(String... arguments) {
    try {
      ip(arguments);
    } catch (IOException e) {
      // It is not there.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
