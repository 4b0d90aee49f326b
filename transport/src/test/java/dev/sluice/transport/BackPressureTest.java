package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A receiver that does not take what is sent slows the sender down; nothing is lost. */
@Timeout(60)
class BackPressureTest {
  private static final String IPC = "aeron:ipc";
  private static final String UDP = "aeron:udp?endpoint=127.0.0.1:0";
  private static final int TERM = 1 << 20;

  private final Random random = new Random(1);
  private final Links.Collector collector = new Links.Collector();

  private static Transport launch() {
    return Transport.launch(TransportConfig.builder().termBufferLength(TERM).build());
  }

  @ParameterizedTest
  @ValueSource(strings = {IPC, UDP})
  void shouldHoldTheSenderWhenTheReceiverStopsPolling(String channel) {
    try (Transport transport = launch();
        FrameReceiver receiver = transport.receiver(new LinkAddress(channel, 1));
        FrameSender sender = transport.sender(receiver.address())) {
      Links.awaitConnected(sender, receiver);
      List<Links.Copy> sent = new ArrayList<>();
      Frame frame = Links.random(random, 0, 0, 1, 20_000);
      long refusals = 0;
      // Refused a thousand times in a row: it is full, not only busy.
      while (refusals < 1_000) {
        long result = sender.offer(frame);
        if (result > 0) {
          sent.add(Links.Copy.of(frame));
          frame = Links.random(random, 0, sent.size(), 1, random.nextInt(40_000));
          refusals = 0;
        } else {
          assertThat(result).isIn(FrameSender.BACK_PRESSURED, FrameSender.ADMIN_ACTION);
          refusals++;
          Links.idle();
        }
      }
      // A log at each end, of three terms.
      assertThat(sender.counters().bytes()).isPositive().isLessThan(2 * 3 * TERM);
      Links.send(sender, frame, receiver, collector);
      sent.add(Links.Copy.of(frame));
      Links.pollUntil(receiver, collector, () -> collector.frames.size() == sent.size());
      assertThat(collector.frames).isEqualTo(sent);
      assertThat(collector.broken).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {IPC, UDP})
  void shouldOfferAFrameAgainThatTheHandlerPutOff(String channel) {
    try (Transport transport = launch();
        FrameReceiver receiver = transport.receiver(new LinkAddress(channel, 1));
        FrameSender sender = transport.sender(receiver.address())) {
      Links.awaitConnected(sender, receiver);
      List<Links.Copy> sent = new ArrayList<>();
      int[] calls = {0};
      FrameHandler everyThird =
          frame -> {
            // In parts or in one piece: what is put off is the same when it comes again.
            assertThat(Links.Copy.of(frame)).isEqualTo(sent.get(collector.frames.size()));
            return ++calls[0] % 3 == 0 && collector.onFrame(frame);
          };
      for (int i = 0; i < 30; i++) {
        int bytes = i % 4 == 3 ? 1_500_000 : random.nextInt(5_000);
        Frame frame = Links.random(random, 0, i, i, bytes);
        sent.add(Links.Copy.of(frame));
        Links.send(sender, frame, receiver, everyThird);
      }
      Links.pollUntil(receiver, everyThird, () -> collector.frames.size() == sent.size());
      assertThat(collector.frames).isEqualTo(sent);
      assertThat(receiver.counters().refused()).isEqualTo(2L * sent.size());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {IPC, UDP})
  void shouldTakeNoMoreFramesThanAskedFor(String channel) {
    try (Transport transport = launch();
        FrameReceiver receiver = transport.receiver(new LinkAddress(channel, 1));
        FrameSender sender = transport.sender(receiver.address())) {
      Links.awaitConnected(sender, receiver);
      for (int i = 0; i < 10; i++) {
        Frame frame = Links.random(random, 0, i, 1, 50);
        Links.await(() -> sender.offer(frame) > 0);
      }
      List<Integer> polled = new ArrayList<>();
      Links.await(
          () -> {
            int frames = receiver.poll(collector, 3);
            assertThat(frames).isLessThanOrEqualTo(3);
            polled.add(frames);
            return collector.frames.size() == 10;
          });
      assertThat(polled.stream().mapToInt(n -> n).sum()).isEqualTo(10);
      assertThat(receiver.poll(collector, 0)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {IPC, UDP})
  void shouldPassOnWhatTheHandlerThrows(String channel) {
    try (Transport transport = launch();
        FrameReceiver receiver = transport.receiver(new LinkAddress(channel, 1));
        FrameSender sender = transport.sender(receiver.address())) {
      Links.awaitConnected(sender, receiver);
      for (int i = 0; i < 2; i++) {
        Frame frame = Links.random(random, 0, i, 1, 50);
        Links.await(() -> sender.offer(frame) > 0);
      }
      FrameHandler throwing =
          frame -> {
            throw new UnsupportedOperationException("not today");
          };
      assertThatThrownBy(() -> Links.pollUntil(receiver, throwing, () -> false))
          .isInstanceOf(UnsupportedOperationException.class);
      Links.pollUntil(receiver, collector, () -> !collector.frames.isEmpty());
      assertThat(collector.frames.getFirst().microBatch()).isEqualTo(1);
    }
  }
}
