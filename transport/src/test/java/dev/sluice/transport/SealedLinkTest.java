package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sealed links over UDP: who has the secret is heard, a stranger is not. */
@Timeout(90)
class SealedLinkTest {
  private static final LinkAddress ANY = LinkAddress.udp("127.0.0.1", 0, 1);

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Links.Collector collector = new Links.Collector();

  private static TransportConfig sealed(String secret) {
    byte[] bytes = secret.repeat(8).getBytes(StandardCharsets.UTF_8);
    return TransportConfig.builder().sealing(LinkSecret.of(bytes)).build();
  }

  private List<Links.Copy> exchange(FrameSender sender, FrameReceiver receiver, int epoch) {
    List<Links.Copy> sent = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      int bytes = i == 30 ? 4 << 20 : random.nextInt(20_000);
      Frame frame = Links.random(random, epoch, i, 1 + random.nextInt(64), bytes);
      sent.add(Links.Copy.of(frame));
      Links.send(sender, frame, receiver, collector);
    }
    return sent;
  }

  private void shouldArriveWhole(FrameSender sender, FrameReceiver receiver, int epoch) {
    collector.frames.clear();
    List<Links.Copy> sent = exchange(sender, receiver, epoch);
    Links.pollUntil(receiver, collector, () -> collector.frames.size() == sent.size());
    assertThat(collector.frames).describedAs("seed %d", seed).isEqualTo(sent);
    assertThat(collector.broken).isEmpty();
  }

  @Test
  void shouldCarryFramesOverEpochs() {
    try (Transport transport = Transport.launch(sealed("good"));
        FrameReceiver receiver = transport.receiver(ANY.named("a-name"));
        FrameSender sender = transport.sender(receiver.address())) {
      shouldArriveWhole(sender, receiver, 1);
      shouldArriveWhole(sender, receiver, 2);
    }
  }

  @Test
  void shouldCarryLargestHeads() {
    try (Transport transport =
            Transport.launch(
                TransportConfig.builder()
                    .sealing(LinkSecret.of(new byte[32]))
                    .termBufferLength(TransportConfig.MIN_TERM_LENGTH)
                    .build());
        FrameReceiver receiver = transport.receiver(ANY);
        FrameSender sender = transport.sender(receiver.address())) {
      Frame frame = Links.random(random, 1, 0, Frame.MAX_ENTRIES, 100_000);
      Links.send(sender, frame, receiver, collector);
      Links.pollUntil(receiver, collector, () -> !collector.frames.isEmpty());
      assertThat(collector.frames).containsExactly(Links.Copy.of(frame));
    }
  }

  @Test
  void shouldTurnAwayWhoHasAnotherSecret() {
    shouldTurnAway(sealed("evil"));
  }

  @Test
  void shouldTurnAwayWhoSealsNothing() {
    shouldTurnAway(TransportConfig.defaults());
  }

  private void shouldTurnAway(TransportConfig strangers) {
    try (Transport transport = Transport.launch(sealed("good"));
        Transport other = Transport.launch(strangers);
        FrameReceiver receiver = transport.receiver(ANY);
        FrameSender sender = transport.sender(receiver.address());
        FrameSender stranger = other.sender(receiver.address())) {
      Links.awaitConnected(sender, receiver);
      Links.await(stranger::isConnected);
      Frame frame = Links.random(random, 5, 0, 1, 1_000);
      Links.await(() -> stranger.offer(frame) > 0);
      Links.pollUntil(receiver, collector, () -> receiver.counters().forged() > 0);
      shouldArriveWhole(sender, receiver, 1);
      Links.pollUntil(receiver, collector, () -> !stranger.isConnected());
      shouldArriveWhole(sender, receiver, 2);
    }
  }

  @Test
  void shouldNotMindNoiseOnItsPort() throws IOException {
    try (Transport transport = Transport.launch(sealed("good"));
        FrameReceiver receiver = transport.receiver(ANY);
        FrameSender sender = transport.sender(receiver.address());
        DatagramSocket socket = new DatagramSocket()) {
      String channel = receiver.address().channel();
      int port = Integer.parseInt(channel.replaceFirst(".*:(\\d+).*", "$1"));
      for (int i = 0; i < 500; i++) {
        byte[] noise = new byte[random.nextInt(1_400)];
        random.nextBytes(noise);
        if (noise.length > 8 && random.nextBoolean()) {
          // Aeron's header: version 0, one of its types, its own length.
          noise[4] = 0;
          noise[6] = (byte) random.nextInt(10);
          noise[7] = 0;
        }
        socket.send(
            new DatagramPacket(noise, noise.length, InetAddress.getLoopbackAddress(), port));
        receiver.poll(collector, 10);
      }
      shouldArriveWhole(sender, receiver, 1);
    }
  }
}
