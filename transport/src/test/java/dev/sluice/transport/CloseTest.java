package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.agrona.DirectBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whenever and however it ends: no file stays, no thread, and nobody touches memory that is gone.
 */
@Timeout(90)
class CloseTest {
  private static final String IPC = "aeron:ipc";
  private static final String UDP = "aeron:udp?endpoint=127.0.0.1:0";

  private final Set<Thread> before = Thread.getAllStackTraces().keySet();

  @AfterEach
  void shouldLeaveNoThread() {
    // A thread that was told to end may need a moment; the JDK keeps some that watch processes.
    Links.await(
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .allMatch(
                    thread ->
                        before.contains(thread) || thread.getName().startsWith("process reaper")));
  }

  private static Path root(Transport transport) {
    return Objects.requireNonNull(transport.aeronDirectory().getParent());
  }

  @ParameterizedTest
  @ValueSource(strings = {IPC, UDP})
  void shouldCloseAtAnyMoment(String channel) throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 8; round++) {
      Transport transport = Transport.launch(TransportConfig.defaults());
      FrameReceiver receiver = transport.receiver(new LinkAddress(channel, 1));
      FrameSender sender = transport.sender(receiver.address());
      AtomicReference<Throwable> failure = new AtomicReference<>();
      CountDownLatch running = new CountDownLatch(random.nextInt(40));
      int bytes = random.nextInt(channel.equals(IPC) ? 3_000_000 : 300_000);
      Thread sending =
          Thread.ofPlatform()
              .uncaughtExceptionHandler((thread, e) -> failure.set(e))
              .start(
                  () -> {
                    Frame frame = Links.random(new Random(seed), 0, 0, 3, bytes);
                    DirectBuffer payload = frame.payloadBuffer();
                    long result = 0;
                    while (result != FrameSender.CLOSED) {
                      result = sender.offer(frame);
                      if (result > 0) {
                        frame
                            .reset(FrameType.STEP, 0, frame.microBatch() + 1)
                            .payload(PayloadType.BYTES, 0, payload, 0, bytes);
                      }
                    }
                  });
      Thread polling =
          Thread.ofPlatform()
              .uncaughtExceptionHandler((thread, e) -> failure.set(e))
              .start(
                  () -> {
                    FrameHandler handler =
                        frame -> {
                          running.countDown();
                          return Links.Copy.of(frame) != null;
                        };
                    while (receiver.gate().isOpen()) {
                      receiver.poll(handler, 10);
                    }
                  });
      running.await();
      switch (random.nextInt(3)) {
        case 0 -> sender.close();
        case 1 -> receiver.close();
        default -> {}
      }
      transport.close();
      assertThat(root(transport)).doesNotExist();
      sending.join();
      polling.join();
      assertThat(failure.get()).describedAs("seed %d round %d", seed, round).isNull();
      assertThat(sender.isConnected()).isFalse();
      assertThat(receiver.isConnected()).isFalse();
      assertThat(receiver.poll(frame -> true, 1)).isZero();
    }
  }

  @Test
  void shouldCloseFromWithinAHandler() {
    Transport transport = Transport.launch(TransportConfig.defaults());
    FrameReceiver receiver = transport.receiver(LinkAddress.ipc(1));
    FrameSender sender = transport.sender(LinkAddress.ipc(1));
    Links.awaitConnected(sender, receiver);
    for (int i = 0; i < 3; i++) {
      assertThat(sender.offer(Links.random(new Random(1), 0, i, 1, 1_000))).isPositive();
    }
    List<Links.Copy> seen = new ArrayList<>();
    Links.await(
        () ->
            receiver.poll(
                    frame -> {
                      transport.close();
                      // Still there: it goes when this returns.
                      return seen.add(Links.Copy.of(frame));
                    },
                    10)
                > 0);
    assertThat(seen).hasSize(1);
    assertThat(root(transport)).doesNotExist();
    transport.close();
    assertThatThrownBy(() -> transport.sender(LinkAddress.ipc(1)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void shouldCloseOnAnInterruptedThread() {
    Transport transport = Transport.launch(TransportConfig.defaults());
    Thread.currentThread().interrupt();
    transport.close();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(root(transport)).doesNotExist();
  }

  @Test
  void shouldRefuseTwoThreadsAtOnce() {
    try (Transport transport = Transport.launch(TransportConfig.defaults())) {
      FrameReceiver receiver = transport.receiver(LinkAddress.ipc(1));
      FrameSender sender = transport.sender(LinkAddress.ipc(1));
      Links.awaitConnected(sender, receiver);
      assertThat(sender.offer(new Frame().reset(FrameType.CLOSE, 0, 0))).isPositive();
      FrameHandler again = frame -> receiver.poll(other -> true, 1) >= 0;
      assertThatThrownBy(() -> Links.pollUntil(receiver, again, () -> false))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("one thread");
    }
  }

  /** Opens links, says where its files are, and ends as it is told: by itself, or when killed. */
  static final class Program {
    private Program() {}

    @SuppressWarnings("MustBeClosedChecker") // that nothing is closed is the point
    public static void main(String[] args) {
      Transport transport = Transport.launch(TransportConfig.defaults());
      FrameReceiver receiver = transport.receiver(LinkAddress.ipc(1));
      FrameSender sender = transport.sender(LinkAddress.ipc(1));
      Links.awaitConnected(sender, receiver);
      System.out.println(root(transport));
      if (args[0].equals("exit")) {
        System.exit(0);
      }
      while (!args[0].equals("return")) {
        LockSupport.park();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"exit", "return", "terminate"})
  void shouldLeaveNoFileWhenTheProcessEnds(String how) throws Exception {
    Process process = Processes.java(Program.class, how);
    try {
      Path root = Path.of(process.inputReader().readLine());
      if (how.equals("terminate")) {
        process.destroy();
      }
      process.waitFor();
      assertThat(root).doesNotExist();
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void shouldRemoveWhatAKilledProcessLeft() throws Exception {
    Process process = Processes.java(Program.class, "wait");
    try {
      Path root = Path.of(process.inputReader().readLine());
      FileTime old = FileTime.from(Instant.now().minus(Duration.ofHours(1)));
      Files.setLastModifiedTime(root.resolve("owner"), old);
      Transport.launch(TransportConfig.defaults()).close();
      assertThat(root).exists();
      process.destroyForcibly().waitFor();
      assertThat(root).exists();
      Transport.launch(TransportConfig.defaults()).close();
      assertThat(root).doesNotExist();
    } finally {
      process.destroyForcibly().waitFor();
    }
  }
}
