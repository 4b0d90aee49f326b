package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.aeron.driver.DataPacketDispatcher;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.driver.ext.DebugReceiveChannelEndpoint;
import io.aeron.driver.ext.LossGenerator;
import io.aeron.driver.ext.RandomLossGenerator;
import io.aeron.driver.media.UdpChannel;
import io.aeron.protocol.DataHeaderFlyweight;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.AtomicCounter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** UDP that loses, delays and damages packets, by Aeron's hooks in an external driver. */
@Timeout(90)
class FaultyNetworkTest {
  private static final LossGenerator NO_LOSS = (address, buffer, length) -> false;

  @TempDir Path folder;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Links.Collector collector = new Links.Collector();

  private MediaDriver driver(LossGenerator data, LossGenerator control) {
    return MediaDriver.launch(
        context()
            .receiveChannelEndpointSupplier(
                (channel, dispatcher, status, context) ->
                    new DebugReceiveChannelEndpoint(
                        channel, dispatcher, status, context, data, control)));
  }

  private MediaDriver.Context context() {
    return new MediaDriver.Context()
        .aeronDirectoryName(folder.resolve("aeron").toString())
        .dirDeleteOnShutdown(true)
        .threadingMode(ThreadingMode.SHARED)
        .termBufferSparseFile(true);
  }

  private static Transport connect(MediaDriver driver) {
    return Transport.launch(
        TransportConfig.builder()
            .embeddedDriver(false)
            .aeronDirectory(Path.of(driver.aeronDirectoryName()))
            .build());
  }

  /** Sends frames of an epoch, small ones and one of 16 MiB, and takes what arrives. */
  private List<Links.Copy> exchange(FrameSender sender, FrameReceiver receiver, int epoch) {
    List<Links.Copy> sent = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      int bytes = i == 50 ? 16 << 20 : random.nextInt(20_000);
      Frame frame = Links.random(random, epoch, i, 1 + random.nextInt(64), bytes);
      sent.add(Links.Copy.of(frame));
      Links.send(sender, frame, receiver, collector);
    }
    return sent;
  }

  private void shouldArriveWhole(MediaDriver driver) {
    try (Transport transport = connect(driver);
        FrameReceiver receiver = transport.receiver(LinkAddress.udp("127.0.0.1", 0, 1));
        FrameSender sender = transport.sender(receiver.address())) {
      List<Links.Copy> sent = exchange(sender, receiver, 1);
      Links.pollUntil(receiver, collector, () -> collector.frames.size() == sent.size());
      assertThat(collector.frames).describedAs("seed %d", seed).isEqualTo(sent);
      assertThat(collector.broken).isEmpty();
    }
  }

  @Test
  void shouldArriveWholeWhenPacketsAreLost() {
    try (MediaDriver driver =
        driver(new RandomLossGenerator(0.05, seed), new RandomLossGenerator(0.05, ~seed))) {
      shouldArriveWhole(driver);
    }
  }

  @Test
  void shouldArriveWholeWhenPacketsAreDelayedAndOutOfOrder() {
    try (MediaDriver driver =
        MediaDriver.launch(context().receiveChannelEndpointSupplier(Delaying::new))) {
      shouldArriveWhole(driver);
    }
  }

  /** Keeps every seventh packet back until five more have come. */
  private static final class Delaying extends DebugReceiveChannelEndpoint {
    private record Late(UnsafeBuffer packet, InetSocketAddress source, int due) {}

    private final ArrayDeque<Late> late = new ArrayDeque<>();
    private int packets;

    Delaying(
        UdpChannel channel,
        DataPacketDispatcher dispatcher,
        AtomicCounter status,
        MediaDriver.Context context) {
      super(channel, dispatcher, status, context, NO_LOSS, NO_LOSS);
    }

    @Override
    public int onDataPacket(
        DataHeaderFlyweight header,
        UnsafeBuffer buffer,
        int length,
        InetSocketAddress source,
        int transport) {
      packets++;
      int bytes = 0;
      if (packets % 7 == 0) {
        UnsafeBuffer copy = new UnsafeBuffer(new byte[length]);
        copy.putBytes(0, buffer, 0, length);
        late.add(new Late(copy, source, packets + 5));
      } else {
        bytes = super.onDataPacket(header, buffer, length, source, transport);
      }
      while (!late.isEmpty() && late.getFirst().due() <= packets) {
        Late next = late.removeFirst();
        DataHeaderFlyweight lateHeader = new DataHeaderFlyweight(next.packet());
        bytes +=
            super.onDataPacket(
                lateHeader, next.packet(), next.packet().capacity(), next.source(), transport);
      }
      return bytes;
    }
  }

  /** Flips a bit behind Aeron's header, in one packet. */
  private static final class Damage implements LossGenerator {
    private final int packet;
    private final int offset;
    private int packets;

    Damage(int packet, int offset) {
      this.packet = packet;
      this.offset = offset;
    }

    @Override
    public boolean shouldDropFrame(InetSocketAddress address, UnsafeBuffer buffer, int length) {
      return false;
    }

    @Override
    public boolean shouldDropFrame(
        InetSocketAddress address,
        UnsafeBuffer buffer,
        int streamId,
        int sessionId,
        int termId,
        int termOffset,
        int length) {
      int at = DataHeaderFlyweight.HEADER_LENGTH + offset;
      // Heartbeats have no more than the header.
      if (length > at && ++packets == packet) {
        buffer.putByte(at, (byte) (buffer.getByte(at) ^ 0x10));
      }
      return false;
    }
  }

  /** So many frames arrive, then the epoch is broken; the next one is as if nothing had been. */
  private void shouldBreakAfter(int frames, MediaDriver driver) {
    try (Transport transport = connect(driver);
        FrameReceiver receiver = transport.receiver(LinkAddress.udp("127.0.0.1", 0, 1));
        FrameSender sender = transport.sender(receiver.address())) {
      List<Links.Copy> sent = exchange(sender, receiver, 1);
      Frame next = Links.random(random, 2, 0, 1, 2_000_000);
      Links.send(sender, next, receiver, collector);
      Links.pollUntil(
          receiver,
          collector,
          () -> !collector.frames.isEmpty() && collector.frames.getLast().epoch() == 2);
      assertThat(collector.broken).describedAs("seed %d", seed).containsExactly(1);
      assertThat(collector.frames).hasSize(frames + 1);
      assertThat(collector.frames.subList(0, frames)).isEqualTo(sent.subList(0, frames));
      assertThat(collector.frames.getLast()).isEqualTo(Links.Copy.of(next));
      LinkCounters counters = receiver.counters();
      assertThat(counters.crc() + counters.malformed() + counters.gaps()).isPositive();
      assertThat(counters.stale()).isPositive();
    }
  }

  @Test
  void shouldBreakTheEpochWhenAPayloadIsDamaged() {
    // The 51st frame has 12,200 packets, the 50 before it at most 50 x 15.
    try (MediaDriver driver = driver(new Damage(5_000, 700), NO_LOSS)) {
      shouldBreakAfter(50, driver);
      assertThat(collector.reasons.getFirst()).contains("checksum of the payload");
    }
  }

  @Test
  void shouldBreakTheEpochWhenAHeaderIsDamaged() {
    // The first packet begins the first frame; nothing is known of its sender yet.
    try (MediaDriver driver = driver(new Damage(1, 20), NO_LOSS)) {
      shouldBreakAfter(0, driver);
    }
  }

  @Test
  void shouldBreakTheEpochWhenPacketsStayLost() {
    try (MediaDriver driver = driver(new RandomLossGenerator(0.001, seed), NO_LOSS);
        Transport transport = connect(driver);
        FrameReceiver receiver =
            transport.receiver(
                new LinkAddress("aeron:udp?endpoint=127.0.0.1:0|reliable=false", 1));
        FrameSender sender =
            transport.sender(
                new LinkAddress(receiver.address().channel().replace("|reliable=false", ""), 1))) {
      int epoch = 0;
      List<Links.Copy> sent = new ArrayList<>();
      for (int i = 0; i < 2_000 || collector.broken.size() < 2; i++) {
        if (receiver.failedEpoch() == epoch) {
          epoch++;
        }
        Frame frame = Links.random(random, epoch, i, 1, random.nextInt(5_000));
        sent.add(Links.Copy.of(frame));
        Links.send(sender, frame, receiver, collector);
        receiver.poll(collector, 10);
      }
      assertThat(collector.broken).describedAs("seed %d", seed).doesNotHaveDuplicates().isSorted();
      // Of each epoch the beginning, without a hole.
      for (int e = 0; e <= epoch; e++) {
        int of = e;
        List<Links.Copy> came = collector.frames.stream().filter(f -> f.epoch() == of).toList();
        assertThat(came)
            .isEqualTo(sent.stream().filter(f -> f.epoch() == of).limit(came.size()).toList());
      }
    }
  }
}
