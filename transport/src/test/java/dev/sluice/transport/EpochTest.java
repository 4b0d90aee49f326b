package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EpochTest {
  private final Random random = new Random(1);
  private final Links.Collector collector = new Links.Collector();
  private Transport transport;
  private FrameReceiver receiver;
  private FrameSender sender;

  @BeforeEach
  void open() {
    transport = Transport.launch(TransportConfig.defaults());
    receiver = transport.receiver(LinkAddress.ipc(1));
    sender = transport.sender(LinkAddress.ipc(1));
    Links.awaitConnected(sender, receiver);
  }

  @AfterEach
  void close() {
    transport.close();
  }

  private Frame frame(int epoch, long microBatch, int bytes) {
    return Links.random(random, epoch, microBatch, 2, bytes);
  }

  private void send(int epoch, long microBatch) {
    Links.send(sender, frame(epoch, microBatch, 100), receiver, collector);
  }

  private List<Long> microBatches() {
    return collector.frames.stream().map(Links.Copy::microBatch).toList();
  }

  @Test
  void shouldDropFramesOfAnOlderEpoch() {
    send(1, 10);
    send(1, 11);
    receiver.minimumEpoch(2);
    send(2, 12);
    Links.pollUntil(receiver, collector, () -> !collector.frames.isEmpty());
    assertThat(microBatches()).containsExactly(12L);
    assertThat(receiver.counters().stale()).isEqualTo(2);
    assertThat(collector.broken).isEmpty();
  }

  @Test
  void shouldDropAnOldSendersFramesWhenANewEpochIsSeen() {
    send(3, 1);
    Links.pollUntil(receiver, collector, () -> collector.frames.size() == 1);
    try (FrameSender late = transport.sender(LinkAddress.ipc(1))) {
      Links.await(late::isConnected);
      Links.send(late, frame(2, 5, 100), receiver, collector);
      Links.pollUntil(receiver, collector, () -> receiver.counters().stale() == 1);
    }
    assertThat(microBatches()).containsExactly(1L);
  }

  @Test
  void shouldDropAHeldFrameWhoseEpochIsOver() {
    send(1, 1);
    FrameHandler notNow = frame -> false;
    Links.await(
        () -> {
          receiver.poll(notNow, 1);
          return receiver.counters().refused() > 0;
        });
    receiver.minimumEpoch(2);
    send(2, 2);
    Links.pollUntil(receiver, collector, () -> !collector.frames.isEmpty());
    assertThat(microBatches()).containsExactly(2L);
    assertThat(receiver.counters().stale()).isEqualTo(1);
  }

  @Test
  void shouldBreakTheEpochOfAReceiverThatCameTooLate() {
    // More than is ever in flight: the driver knows that the first frame is taken, and the next
    // receiver cannot be given it again.
    for (int i = 0; i < 30; i++) {
      Links.send(sender, frame(1, i, 100_000), receiver, collector);
    }
    Links.pollUntil(receiver, collector, () -> collector.frames.size() == 30);
    collector.frames.clear();
    receiver.close();
    Links.await(() -> !sender.isConnected());
    receiver = transport.receiver(LinkAddress.ipc(1));
    Links.awaitConnected(sender, receiver);
    send(1, 30);
    send(1, 31);
    send(2, 32);
    Links.pollUntil(receiver, collector, () -> !collector.frames.isEmpty());
    assertThat(microBatches()).containsExactly(32L);
    assertThat(collector.broken).containsExactly(1);
    assertThat(receiver.failedEpoch()).isEqualTo(1);
    assertThat(receiver.counters().gaps()).isPositive();
    assertThat(receiver.counters().stale()).isPositive();
  }

  /** More than the link holds, so that a part of it waits. */
  private Frame begun(int epoch) {
    Frame frame = frame(epoch, 1, 16 << 20);
    Links.await(() -> sender.offer(frame) == FrameSender.BACK_PRESSURED);
    return frame;
  }

  @Test
  void shouldGiveUpTheRestOfAFrameForANewEpoch() {
    begun(1);
    send(2, 2);
    Links.pollUntil(receiver, collector, () -> !collector.frames.isEmpty());
    assertThat(microBatches()).containsExactly(2L);
    assertThat(collector.broken).isEmpty();
  }

  @Test
  void shouldRefuseAnotherFrameInTheMiddleOfOne() {
    Frame large = begun(1);
    Frame other = frame(1, 2, 10);
    assertThatThrownBy(() -> sender.offer(other)).isInstanceOf(IllegalStateException.class);
    Links.send(sender, large, receiver, collector);
    Links.send(sender, other, receiver, collector);
    Links.pollUntil(receiver, collector, () -> collector.frames.size() == 2);
    assertThat(collector.frames).containsExactly(Links.Copy.of(large), Links.Copy.of(other));
  }

  @Test
  void shouldRefuseToSendAnEpochThatIsOver() {
    send(2, 1);
    Frame old = frame(1, 1, 10);
    assertThatThrownBy(() -> sender.offer(old)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldBreakTheEpochWhenTheSenderGoesInTheMiddleOfAFrame() {
    begun(1);
    sender.close();
    Links.pollUntil(receiver, collector, () -> !collector.broken.isEmpty());
    assertThat(collector.broken).containsExactly(1);
    assertThat(collector.reasons.getFirst()).contains("went away");
    assertThat(collector.frames).isEmpty();
    assertThat(receiver.isConnected()).isFalse();
  }

  @Test
  void shouldRefuseAPayloadOverTheLimit() {
    Frame frame = frame(1, 1, (64 << 20) + 1);
    assertThatThrownBy(() -> sender.offer(frame))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxPayloadBytes");
    send(1, 2);
  }
}
