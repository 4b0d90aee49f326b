package dev.sluice.ops.serve.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import akka.Done;
import akka.NotUsed;
import akka.actor.ActorSystem;
import akka.actor.Cancellable;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.SinkQueueWithCancel;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of streams whose clients have gone; the time is the test's own. */
@Timeout(120)
class ResumableStreamsTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration GRACE = Duration.ofSeconds(30);
  private static final String ID = "stream-1";

  private static final ActorSystem SYSTEM = ActorSystem.create("resumable");

  private final List<Alarm> alarms = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Done> ended = new CompletableFuture<>();
  private final ResumableStreams streams = new ResumableStreams(SYSTEM, GRACE, this::later);

  @AfterAll
  static void stop() {
    SYSTEM.terminate();
    SYSTEM.getWhenTerminated().toCompletableFuture().join();
  }

  /** Something that happens when the test lets the time pass. */
  private static final class Alarm implements Cancellable {
    private final Runnable what;
    private volatile boolean cancelled;

    Alarm(Runnable what) {
      this.what = what;
    }

    @Override
    public boolean cancel() {
      cancelled = true;
      return true;
    }

    @Override
    public boolean isCancelled() {
      return cancelled;
    }
  }

  private Cancellable later(Duration time, Runnable what) {
    assertThat(time).isEqualTo(GRACE);
    Alarm alarm = new Alarm(what);
    alarms.add(alarm);
    return alarm;
  }

  private List<Alarm> waiting() {
    return alarms.stream().filter(alarm -> !alarm.cancelled).toList();
  }

  private Source<ByteString, NotUsed> events(int count, int bytes) {
    return Source.range(0, count - 1)
        .map(i -> ByteString.fromString("data: " + i + " " + "x".repeat(bytes) + "\n\n"))
        .watchTermination(
            (_, end) -> {
              end.whenComplete((_, _) -> ended.complete(Done.getInstance()));
              return NotUsed.getInstance();
            });
  }

  private static SinkQueueWithCancel<ByteString> connect(Source<ByteString, NotUsed> events) {
    return events.toMat(Sink.queue(), Keep.right()).run(SYSTEM);
  }

  private static String next(SinkQueueWithCancel<ByteString> connection) {
    return connection.pull().toCompletableFuture().join().orElseThrow().utf8String();
  }

  @Test
  void shouldEndAStreamThatNobodyComesBackTo() {
    SinkQueueWithCancel<ByteString> connection =
        connect(streams.open(ID, Caller.ANYONE, events(1_000, 10)));
    assertThat(next(connection)).startsWith("id: " + ID + "/0\ndata: 0 ");
    assertThat(waiting()).as("a stream that is read has time").isEmpty();
    connection.cancel();
    await().atMost(LONG).until(() -> waiting().size() == 1);
    assertThat(ended).isNotDone();
    waiting().getFirst().what.run();
    ended.join();
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> streams.resume(ID, Caller.ANYONE, 1))
        .satisfies(e -> assertThat(e.code()).isEqualTo("unknown_stream"));
  }

  @Test
  void shouldWaitAnewForWhoeverCameBack() {
    SinkQueueWithCancel<ByteString> first =
        connect(streams.open(ID, Caller.ANYONE, events(1_000, 10)));
    next(first);
    first.cancel();
    await().atMost(LONG).until(() -> waiting().size() == 1);
    SinkQueueWithCancel<ByteString> second = connect(streams.resume(ID, Caller.ANYONE, 0));
    assertThat(next(second)).startsWith("id: " + ID + "/0\n");
    assertThat(next(second)).startsWith("id: " + ID + "/1\n");
    assertThat(waiting()).isEmpty();
    second.cancel();
    await().atMost(LONG).until(() -> waiting().size() == 1);
    assertThat(ended).isNotDone();
  }

  @Test
  void shouldEndAStreamThatNeverHadAReader() {
    streams.open(ID, Caller.ANYONE, events(1_000, 10));
    assertThat(waiting()).hasSize(1);
    waiting().getFirst().what.run();
    ended.join();
  }

  @Test
  void shouldForgetTheOldestOfALongStream() {
    SinkQueueWithCancel<ByteString> connection =
        connect(streams.open(ID, Caller.ANYONE, events(100, 1 << 20)));
    for (int i = 0; i < 8; i++) {
      next(connection);
    }
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> streams.resume(ID, Caller.ANYONE, 0))
        .satisfies(e -> assertThat(e.code()).isEqualTo("position_lost"));
  }
}
