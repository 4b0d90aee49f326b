package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TransportTest {
  private static final String IPC = "aeron:ipc";
  private static final String UDP = "aeron:udp?endpoint=127.0.0.1:0";

  @ParameterizedTest
  @ValueSource(strings = {IPC, UDP})
  void shouldCarryFramesOfEverySize(String channel) {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try (Transport transport = Transport.launch(TransportConfig.defaults());
        FrameReceiver receiver = transport.receiver(new LinkAddress(channel, 7));
        FrameSender sender = transport.sender(receiver.address())) {
      Links.Collector collector = new Links.Collector();
      List<Links.Copy> sent = new ArrayList<>();
      int[] sizes = {0, 1, 3, 1_000, 1_300, 1_376, 8 << 10, 65_000, 70_000, 512 << 10, 3 << 20};
      int[] entries = {0, 1, 2, 70, 80, 90, 1_000, Frame.MAX_ENTRIES};
      for (int i = 0; i < 200; i++) {
        Frame frame =
            Links.random(
                random,
                1,
                i,
                entries[random.nextInt(entries.length)],
                sizes[random.nextInt(sizes.length)]);
        sent.add(Links.Copy.of(frame));
        Links.send(sender, frame, receiver, collector);
      }
      Links.pollUntil(receiver, collector, () -> collector.frames.size() == sent.size());
      assertThat(collector.frames).describedAs("seed %d", seed).isEqualTo(sent);
      assertThat(collector.broken).describedAs("seed %d", seed).isEmpty();
      assertThat(receiver.counters().frames()).isEqualTo(sent.size());
      assertThat(receiver.counters().bytes()).isEqualTo(sender.counters().bytes());
    }
  }

  @Test
  void shouldRefuseAddressesBeyondThisMachine() {
    try (Transport transport = Transport.launch(TransportConfig.defaults())) {
      for (String host : List.of("0.0.0.0", "192.0.2.1", "example.org", "[::]")) {
        LinkAddress address = LinkAddress.udp(host, 40_123, 1);
        assertThatThrownBy(() -> transport.receiver(address))
            .isInstanceOf(TransportException.class)
            .hasMessageContaining(host)
            .hasMessageContaining("allowRemote");
        assertThatThrownBy(() -> transport.sender(address)).isInstanceOf(TransportException.class);
      }
    }
  }
}
