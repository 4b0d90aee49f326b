package dev.sluice.stages.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.ActorSystem;
import akka.stream.javadsl.Sink;
import akka.stream.testkit.TestSubscriber;
import akka.stream.testkit.javadsl.TestSink;
import dev.sluice.stages.flow.TestSystems;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SamplerInputTest {
  private static ActorSystem system;

  @BeforeAll
  static void start() {
    system = TestSystems.create("sampler-input-test");
  }

  @AfterAll
  static void stop() {
    TestSystems.stop(system);
  }

  private static TestSubscriber.Probe<SamplerWork> probe(SamplerInput input) {
    TestSubscriber.Probe<SamplerWork> probe =
        input.source().runWith(TestSink.create(system), system);
    probe.ensureSubscription();
    return probe;
  }

  @Test
  void shouldHandOverInOrder() {
    try (SamplerInput input = new SamplerInput(2, 4, 2, 8, 4)) {
      UnsafeBuffer payload = new UnsafeBuffer(new byte[] {9, 1, 2, 3});
      assertThat(input.tryOpen(1, 5, payload, 1, 2)).isTrue();
      LogitsBuffer buffer = Objects.requireNonNull(input.tryAcquire());
      input.publish(buffer, 1, 7);
      assertThat(input.tryClose(1, 8, new int[] {5, 6, 7}, 2)).isTrue();
      TestSubscriber.Probe<SamplerWork> probe = probe(input);
      probe.request(4);
      SamplerWork.Opened opened = (SamplerWork.Opened) probe.expectNext();
      assertThat(opened.slot()).isEqualTo(5);
      assertThat(opened.payload()).containsExactly(1, 2);
      assertThat(probe.expectNext()).isSameAs(buffer);
      assertThat(buffer.microBatch()).isEqualTo(7);
      SamplerWork.Closed closed = (SamplerWork.Closed) probe.expectNext();
      assertThat(closed.slots()).containsExactly(5, 6);
      input.complete();
      probe.expectComplete();
    }
  }

  @Test
  void shouldSayWhenThereIsNoBufferOrNoRoom() {
    try (SamplerInput input = new SamplerInput(2, 4, 2, 8, 2)) {
      LogitsBuffer first = Objects.requireNonNull(input.tryAcquire());
      LogitsBuffer second = Objects.requireNonNull(input.tryAcquire());
      assertThat(input.tryAcquire()).isNull();
      input.giveBack(second);
      assertThat(input.tryAcquire()).isSameAs(second);
      UnsafeBuffer payload = new UnsafeBuffer(new byte[1]);
      assertThat(input.tryOpen(0, 0, payload, 0, 1)).isTrue();
      assertThat(input.tryOpen(0, 1, payload, 0, 1)).isTrue();
      assertThat(input.tryOpen(0, 2, payload, 0, 1)).isFalse();
      assertThat(input.tryClose(0, 0, new int[] {0}, 1)).isFalse();
      input.publish(first, 0, 0); // there is always room for buffers
      input.publish(second, 0, 1);
      assertThat(input.tryAcquire()).isNull();
      first.recycle();
      assertThat(input.tryAcquire()).isSameAs(first);
    }
  }

  @Test
  void shouldFailBehindWhatWasHandedOver() {
    try (SamplerInput input = new SamplerInput(1, 1, 1, 1, 1)) {
      assertThat(input.tryClose(0, 0, new int[] {0}, 1)).isTrue();
      IllegalStateException cause = new IllegalStateException("the shard threw");
      input.fail(cause);
      TestSubscriber.Probe<SamplerWork> probe = probe(input);
      probe.request(1);
      assertThat(probe.expectNext()).isInstanceOf(SamplerWork.Closed.class);
      probe.request(1);
      assertThat(probe.expectError()).isSameAs(cause);
    }
  }

  @Test
  void shouldWakeASleepingStreamEveryTime() throws Exception {
    int count = 20_000;
    try (SamplerInput input = new SamplerInput(2, 1, 1, 1, 1)) {
      CompletionStage<List<Long>> numbers =
          input
              .source()
              .map(
                  work -> {
                    LogitsBuffer buffer = (LogitsBuffer) work;
                    long number = buffer.microBatch();
                    buffer.recycle();
                    return number;
                  })
              .runWith(Sink.seq(), system);
      for (long i = 0; i < count; i++) {
        LogitsBuffer buffer = input.tryAcquire();
        while (buffer == null) {
          Thread.onSpinWait();
          buffer = input.tryAcquire();
        }
        input.publish(buffer, 0, i);
      }
      input.complete();
      List<Long> expected = new ArrayList<>();
      for (long i = 0; i < count; i++) {
        expected.add(i);
      }
      assertThat(numbers.toCompletableFuture().get()).isEqualTo(expected);
    }
  }

  @Test
  void shouldRunOnceOnly() {
    try (SamplerInput input = new SamplerInput(1, 1, 1, 1, 1)) {
      TestSubscriber.Probe<SamplerWork> first = probe(input);
      TestSubscriber.Probe<SamplerWork> second = probe(input);
      second.request(1);
      assertThat(second.expectError()).hasMessageContaining("once only");
      first.cancel();
    }
  }

  @Test
  void shouldRefuseSizesThatMakeNoSense() {
    assertThatIllegalArgumentException().isThrownBy(() -> new SamplerInput(0, 1, 1, 1, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SamplerInput(1, 1, 70_000, 1, 1))
        .withMessageContaining("70000 rows");
    try (SamplerInput input = new SamplerInput(2, 1, 1, 1, 1)) {
      LogitsBuffer one = Objects.requireNonNull(input.tryAcquire());
      LogitsBuffer two = Objects.requireNonNull(input.tryAcquire());
      input.giveBack(one);
      assertThatThrownBy(() -> input.giveBack(two)).isInstanceOf(IllegalStateException.class);
    }
  }
}
