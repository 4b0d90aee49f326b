package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A media driver that runs in a process of its own, for all transports of a machine. */
@Timeout(90)
class ExternalDriverTest {
  @TempDir Path folder;

  /** Runs a driver until it is killed. */
  static final class Driver {
    private Driver() {}

    public static void main(String[] args) {
      MediaDriver driver =
          MediaDriver.launch(
              new MediaDriver.Context()
                  .aeronDirectoryName(args[0])
                  .threadingMode(ThreadingMode.SHARED)
                  .termBufferSparseFile(true));
      System.out.println("started " + driver.aeronDirectoryName());
      while (!Thread.interrupted()) {
        java.util.concurrent.locks.LockSupport.park();
      }
    }
  }

  private Transport connect() {
    return Transport.launch(
        TransportConfig.builder()
            .embeddedDriver(false)
            .aeronDirectory(folder.resolve("aeron"))
            .livenessTimeout(Duration.ofSeconds(4))
            .build());
  }

  @ParameterizedTest
  @ValueSource(strings = {"aeron:ipc", "aeron:udp?endpoint=127.0.0.1:0"})
  void shouldJoinTransportsOfOneDriver(String channel) throws Exception {
    Process process = Processes.java(Driver.class, folder.resolve("aeron").toString());
    try {
      assertThat(process.inputReader().readLine()).startsWith("started");
      try (Transport one = connect();
          Transport other = connect();
          FrameReceiver receiver = one.receiver(new LinkAddress(channel, 1));
          FrameSender sender = other.sender(receiver.address())) {
        Links.Collector collector = new Links.Collector();
        Random random = new Random(1);
        List<Links.Copy> sent = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
          Frame frame = Links.random(random, 1, i, i, i == 10 ? 3_000_000 : 500 * i);
          sent.add(Links.Copy.of(frame));
          Links.send(sender, frame, receiver, collector);
        }
        Links.pollUntil(receiver, collector, () -> collector.frames.size() == sent.size());
        assertThat(collector.frames).isEqualTo(sent);

        process.destroyForcibly().waitFor();
        Frame last = Links.random(random, 1, 20, 1, 10);
        Links.await(() -> sender.offer(last) == FrameSender.CLOSED);
        Links.await(() -> !receiver.isConnected());
        assertThat(receiver.poll(collector, 1)).isZero();
      }
      // The folder is the driver's.
      assertThat(folder.resolve("aeron")).exists();
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void shouldSayThatNoDriverAnswers() {
    assertThatThrownBy(this::connect)
        .isInstanceOf(TransportException.class)
        .hasMessageContaining("no media driver answers in " + folder.resolve("aeron"));
  }

  @Test
  void shouldNotTouchAFolderWithOtherFiles() throws Exception {
    Path file = java.nio.file.Files.writeString(folder.resolve("precious"), "do not remove");
    TransportConfig config = TransportConfig.builder().aeronDirectory(folder).build();
    assertThatThrownBy(() -> Transport.launch(config))
        .isInstanceOf(TransportException.class)
        .hasMessageContaining("holds other files");
    assertThat(file).exists();
  }

  @Test
  void shouldNotTouchTheFolderOfADriverThatRuns() {
    Path directory = folder.resolve("aeron");
    TransportConfig config = TransportConfig.builder().aeronDirectory(directory).build();
    try (Transport transport = Transport.launch(config)) {
      assertThat(transport.aeronDirectory()).isEqualTo(directory);
      assertThatThrownBy(() -> Transport.launch(config))
          .isInstanceOf(TransportException.class)
          .hasMessageContaining("Active media driver");
      assertThat(directory.resolve("cnc.dat")).exists();
    }
    assertThat(directory).doesNotExist();
  }
}
