package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;

/** Somebody else publishes on the stream of a link. */
@Timeout(60)
class GarbageTest {
  private static final int MESSAGES = 100;

  @RepeatedTest(10)
  void shouldCarryFramesBesideGarbage() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try (Transport transport = Transport.launch(TransportConfig.defaults());
        FrameReceiver receiver = transport.receiver(LinkAddress.ipc(1));
        FrameSender sender = transport.sender(LinkAddress.ipc(1));
        Aeron aeron =
            Aeron.connect(
                new Aeron.Context().aeronDirectoryName(transport.aeronDirectory().toString()));
        ExclusivePublication garbage = aeron.addExclusivePublication("aeron:ipc", 1)) {
      Links.awaitConnected(sender, receiver);
      Links.await(garbage::isConnected);
      Links.Collector collector = new Links.Collector();
      List<Links.Copy> sent = new ArrayList<>();
      for (int i = 0; i < MESSAGES; i++) {
        UnsafeBuffer message = message(random);
        while (garbage.offer(message, 0, message.capacity()) <= 0) {
          receiver.poll(collector, 10);
          Links.idle();
        }
        Frame frame = Links.random(random, 0, i, random.nextInt(10), random.nextInt(100_000));
        sent.add(Links.Copy.of(frame));
        Links.send(sender, frame, receiver, collector);
      }
      Links.pollUntil(
          receiver,
          collector,
          () -> collector.frames.size() == sent.size() && refused(receiver.counters()) == MESSAGES);
      assertThat(collector.frames).describedAs("seed %d", seed).isEqualTo(sent);
      assertThat(collector.broken).isEmpty();
    }
  }

  /** One that says it has more entries than it has is cut short, as far as anybody can tell. */
  private static long refused(LinkCounters counters) {
    return counters.malformed() + counters.gaps();
  }

  /** Noise, or a good frame with a byte changed in its header. */
  private static UnsafeBuffer message(Random random) {
    if (random.nextBoolean()) {
      byte[] noise = new byte[random.nextInt(100_000)];
      random.nextBytes(noise);
      return new UnsafeBuffer(noise);
    }
    try (FrameEncoder encoder = new FrameEncoder()) {
      Frame frame = Links.random(random, 7, 3, random.nextInt(10), random.nextInt(1_000));
      int header = encoder.start(frame, 0, 1, encoder.payloadCrc(frame), frame.payloadLength());
      byte[] bytes = new byte[header + frame.payloadLength()];
      encoder.buffer().getBytes(0, bytes, 0, header);
      frame.payloadBuffer().getBytes(0, bytes, header, frame.payloadLength());
      int at = random.nextInt(header - FrameLayout.DATA_LENGTH);
      bytes[at] ^= (byte) (1 + random.nextInt(255));
      return new UnsafeBuffer(bytes);
    }
  }
}
