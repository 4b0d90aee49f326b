package dev.sluice.ops;

import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice status}: what the nodes of a cluster do. */
@Command(
    name = "status",
    description = "Prints the nodes of a cluster, what each of them does, and how busy it is.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class StatusCommand implements Runnable {
  private static final Duration PERIOD = Duration.ofSeconds(1);

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(names = "--watch", description = "Show it anew every second, until Ctrl-C.")
  private boolean watch;

  @Option(
      names = "--json",
      description =
          "Print an object:"
              + " {\"status\",\"epoch\",\"reason\",\"head\",\"coordinator\",\"nodes\":[…],\"members\":[…]};"
              + " with --watch one a line.")
  private boolean asJson;

  @Override
  public void run() {
    try (ClusterClient client = ClusterClient.join(cluster)) {
      if (watch) {
        watch(client);
      } else {
        show(new Screen(Streams.out(), false), report(client));
      }
    }
  }

  private static StatusReport report(ClusterClient client) {
    return new StatusReport(
        ClusterClient.get(client.node().status(), "status"), client.node().members());
  }

  /** On a signal the client leaves; whatever then fails here is no news. */
  private void watch(ClusterClient client) {
    Interrupt interrupt = new Interrupt(client);
    Runtime.getRuntime().addShutdownHook(interrupt);
    Screen screen = new Screen(Streams.out(), !asJson && Streams.areTerminal());
    try {
      boolean read = true;
      while (read && !interrupt.begun) {
        try {
          read = show(screen, report(client));
        } catch (CommandException e) {
          // Another coordinator may be about to take over.
          if (!interrupt.begun) {
            Streams.err().println("sluice: " + e.getMessage() + "; asking again");
            Streams.err().flush();
          }
        }
        Thread.sleep(PERIOD);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      Runtime.getRuntime().removeShutdownHook(interrupt);
    } catch (IllegalStateException e) {
      // The process ends already.
    }
  }

  private boolean show(Screen screen, StatusReport report) {
    if (asJson) {
      Json.print(report::write);
      return !Streams.out().checkError();
    }
    return screen.show(report.text());
  }

  private static final class Interrupt extends Thread {
    private final ClusterClient client;
    private volatile boolean begun;

    Interrupt(ClusterClient client) {
      super("sluice-leave");
      this.client = client;
    }

    @Override
    public void run() {
      begun = true;
      client.close();
    }
  }
}
