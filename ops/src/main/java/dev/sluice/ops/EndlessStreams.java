package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import akka.stream.KillSwitches;
import akka.stream.SharedKillSwitch;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenGenerator;
import dev.sluice.stages.flow.TokenRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.agrona.collections.LongArrayList;

/**
 * Readers that ask for the same over and over, as fast as it comes, until they are closed, and note
 * when each token came. For one thread.
 */
final class EndlessStreams implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(5);

  /** Tokens of a stream that are noted; the oldest half is forgotten then. */
  private static final int MOST = 1 << 20;

  private final SharedKillSwitch end = KillSwitches.shared("endless-streams");
  private final List<Reader> readers = new ArrayList<>();

  /** One stream's tokens: their times, and how many there were before these. */
  private static final class Reader {
    private final LongArrayList times = new LongArrayList();
    private long forgotten;
    private CompletableFuture<?> done = new CompletableFuture<>();

    synchronized void token() {
      if (times.size() == MOST) {
        long[] kept = Arrays.copyOfRange(times.toLongArray(), MOST / 2, MOST);
        times.clear();
        Arrays.stream(kept).forEach(times::addLong);
        forgotten += MOST - kept.length;
      }
      times.addLong(System.nanoTime());
    }

    synchronized long count() {
      return forgotten + times.size();
    }

    synchronized long[] times() {
      return times.toLongArray();
    }
  }

  /** Starts one reader for each request. */
  EndlessStreams(TokenGenerator generator, ActorSystem<?> system, List<TokenRequest> requests) {
    for (TokenRequest request : requests) {
      Reader reader = new Reader();
      reader.done =
          Source.repeat(request)
              .flatMapConcat(generator::generate)
              .via(end.flow())
              .filter(TokenEvent.Token.class::isInstance)
              .runWith(Sink.foreach(_ -> reader.token()), system)
              .toCompletableFuture();
      readers.add(reader);
    }
  }

  /** Tokens of all so far. */
  long count() {
    check();
    return readers.stream().mapToLong(Reader::count).sum();
  }

  /** Waits until every stream has brought so many tokens more than now. */
  void awaitEach(int more, Duration limit) throws InterruptedException {
    long[] wanted = readers.stream().mapToLong(r -> r.count() + more).toArray();
    long began = System.nanoTime();
    for (int i = 0; i < wanted.length; i++) {
      while (readers.get(i).count() < wanted[i]) {
        check();
        if (System.nanoTime() - began > limit.toNanos()) {
          throw new CommandException("a stream got no token for " + limit.toSeconds() + " s");
        }
        Thread.sleep(POLL);
      }
    }
  }

  /**
   * When each stream went on after something happened: the end of its longest pause since. What was
   * on its way then comes before that.
   *
   * @return nanoseconds from {@code since} on, of each stream
   */
  List<Long> wentOn(long since) {
    return readers.stream().map(r -> endOfLongestPause(r.times(), since)).toList();
  }

  /** Nanoseconds from {@code since} on. */
  static long endOfLongestPause(long[] times, long since) {
    long before = since;
    long longest = -1;
    long end = 0;
    for (long time : times) {
      if (time - since > 0) {
        if (time - before > longest) {
          longest = time - before;
          end = time - since;
        }
        before = time;
      }
    }
    return end;
  }

  /** What a stream failed of, if one did. */
  private void check() {
    for (Reader reader : readers) {
      if (reader.done.isCompletedExceptionally()) {
        Throwable failure = reader.done.exceptionNow();
        throw new CommandException("a stream has failed: " + Failures.message(failure), failure);
      }
    }
  }

  @Override
  public void close() {
    end.shutdown();
    CompletableFuture.allOf(readers.stream().map(r -> r.done).toArray(CompletableFuture<?>[]::new))
        .exceptionally(_ -> null)
        .completeOnTimeout(null, 10, TimeUnit.SECONDS)
        .join();
  }
}
