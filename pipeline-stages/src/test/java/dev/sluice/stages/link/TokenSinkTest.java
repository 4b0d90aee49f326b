package dev.sluice.stages.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.Done;
import akka.actor.ActorSystem;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Source;
import akka.stream.testkit.javadsl.TestSource;
import dev.sluice.stages.flow.TestSystems;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.FrameType;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TokenSinkTest {
  private static final Duration LIMIT = Duration.ofSeconds(5);
  private static ActorSystem system;

  private final List<Long> sent = new CopyOnWriteArrayList<>();
  private final AtomicLong clock = new AtomicLong();

  @BeforeAll
  static void start() {
    system = TestSystems.create("token-sink-test");
  }

  @AfterAll
  static void stop() {
    TestSystems.stop(system);
  }

  private static Frame frame(long number) {
    return new Frame().reset(FrameType.TOKENS, 0, number);
  }

  private CompletionStage<Done> run(int frames, ToLongFunction<Frame> link) {
    return Source.from(LongStream.range(0, frames).boxed().toList())
        .map(TokenSinkTest::frame)
        .runWith(new TokenSink(link, LIMIT, clock::get), system);
  }

  private long accept(Frame frame) {
    sent.add(frame.microBatch());
    return 1;
  }

  @Test
  void shouldSendInOrder() throws Exception {
    run(100, this::accept).toCompletableFuture().get();
    assertThat(sent).isEqualTo(LongStream.range(0, 100).boxed().toList());
  }

  @Test
  void shouldOfferTheSameFrameUntilItIsTaken() throws Exception {
    // Long enough to be spun over, given turns for and waited for by the timer.
    int refusals = TokenSink.SPINS * (TokenSink.TURNS + 5);
    AtomicInteger offers = new AtomicInteger();
    long[] answers = {
      FrameSender.BACK_PRESSURED, FrameSender.ADMIN_ACTION, FrameSender.NOT_CONNECTED
    };
    run(
            3,
            frame -> {
              int offer = offers.getAndIncrement() % refusals;
              return offer == refusals - 1 ? accept(frame) : answers[offer % answers.length];
            })
        .toCompletableFuture()
        .get();
    assertThat(sent).containsExactly(0L, 1L, 2L);
    assertThat(offers).hasValue(3 * refusals);
  }

  @Test
  void shouldAskForTheNextFrameOnlyWhenTheLastIsSent() throws Exception {
    AtomicLong answer = new AtomicLong(FrameSender.BACK_PRESSURED);
    AtomicInteger pulled = new AtomicInteger();
    CompletionStage<Done> done =
        Source.from(List.of(0L, 1L, 2L))
            .map(
                number -> {
                  pulled.incrementAndGet();
                  return frame(number);
                })
            .runWith(
                new TokenSink(
                    frame -> {
                      assertThat(pulled.get()).isEqualTo((int) frame.microBatch() + 1);
                      if (answer.get() > 0) {
                        accept(frame);
                      }
                      return answer.getAndSet(1);
                    },
                    LIMIT,
                    clock::get),
                system);
    done.toCompletableFuture().get();
    assertThat(sent).hasSize(3);
  }

  @Test
  void shouldFailWhenTheLinkIsClosed() {
    assertThatThrownBy(() -> run(3, _ -> FrameSender.CLOSED).toCompletableFuture().get())
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(TokenLinkException.class)
        .hasMessageContaining("closed")
        .hasMessageContaining("TOKENS");
  }

  @Test
  void shouldFailWhenTheLinkTakesNothingForTooLong() {
    CompletionStage<Done> done =
        run(
            3,
            _ -> {
              clock.addAndGet(LIMIT.toNanos() / 100);
              return FrameSender.NOT_CONNECTED;
            });
    assertThatThrownBy(() -> done.toCompletableFuture().get())
        .cause()
        .isInstanceOf(TokenLinkException.class)
        .hasMessageContaining("for 5000 ms");
  }

  @Test
  void shouldSendTheLastFrameAfterTheStreamHasEnded() throws Exception {
    AtomicLong answer = new AtomicLong(FrameSender.BACK_PRESSURED);
    var pair =
        TestSource.<Frame>create(system)
            .toMat(
                new TokenSink(
                    frame -> answer.get() > 0 ? accept(frame) : answer.get(), LIMIT, clock::get),
                Keep.both())
            .run(system);
    pair.first().sendNext(frame(4));
    pair.first().sendComplete();
    assertThat(pair.second().toCompletableFuture()).isNotDone();
    answer.set(1);
    pair.second().toCompletableFuture().get();
    assertThat(sent).containsExactly(4L);
  }

  @Test
  void shouldFailWithTheStream() {
    IllegalStateException cause = new IllegalStateException("above");
    assertThatThrownBy(
            () ->
                Source.<Frame>failed(cause)
                    .runWith(new TokenSink(this::accept, LIMIT, clock::get), system)
                    .toCompletableFuture()
                    .get())
        .cause()
        .isSameAs(cause);
  }
}
