package dev.sluice.ops.serve.http;

import akka.Done;
import akka.NotUsed;
import akka.actor.ActorSystem;
import akka.actor.Cancellable;
import akka.stream.Attributes;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.SinkQueueWithCancel;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Streams of events that outlive their connection for a while. Each event has a number, so that a
 * client that comes back names the first one that it lacks and gets each exactly once. While nobody
 * is connected nothing is asked of the source, so it waits too. For any thread.
 */
public final class ResumableStreams {
  private static final int MAX_STREAMS = 256;

  /**
   * Events that are kept of a stream, the newest; a client that lacks older ones comes too late.
   */
  private static final int MAX_KEPT_BYTES = 4 << 20;

  private final ActorSystem system;
  private final Duration grace;
  private final Timer timer;
  private final Map<String, Stream> streams = new ConcurrentHashMap<>();

  /**
   * No streams.
   *
   * @param system what they run on
   * @param grace how long a stream waits for its client to come back
   */
  public ResumableStreams(ActorSystem system, Duration grace) {
    this(
        system,
        grace,
        (time, end) -> system.scheduler().scheduleOnce(time, end, system.dispatcher()));
  }

  ResumableStreams(ActorSystem system, Duration grace, Timer timer) {
    this.system = system;
    this.grace = grace;
    this.timer = timer;
  }

  /** Does something after a while. */
  interface Timer {
    Cancellable after(Duration time, Runnable what);
  }

  /**
   * Starts a stream that can be resumed.
   *
   * @param id unique, and not to be guessed
   * @return its events with their numbers, for its first connection
   * @throws ApiException where there are too many
   */
  public Source<ByteString, NotUsed> open(
      String id, Caller owner, Source<ByteString, NotUsed> events) {
    if (streams.size() >= MAX_STREAMS) {
      throw ApiException.tooMany(
          "too_many_resumable", MAX_STREAMS + " streams can be resumed already", grace);
    }
    SinkQueueWithCancel<ByteString> queue =
        events.runWith(
            Sink.<ByteString>queue().addAttributes(Attributes.inputBuffer(1, 1)), system);
    Stream stream = new Stream(id, owner.name(), queue);
    streams.put(id, stream);
    return stream.attach(0);
  }

  /**
   * Goes on with a stream; a connection that still has it loses it.
   *
   * @param from number of the first event that is wanted
   * @throws ApiException where there is no such stream of this caller, or not that event any more
   */
  public Source<ByteString, NotUsed> resume(String id, Caller caller, long from) {
    return find(id, caller).attach(from);
  }

  /**
   * Ends a stream.
   *
   * @throws ApiException where there is no such stream of this caller
   */
  public void end(String id, Caller caller) {
    find(id, caller).end();
  }

  private Stream find(String id, Caller caller) {
    Stream stream = streams.get(id);
    if (stream == null || !stream.owner.equals(caller.name())) {
      throw ApiException.refused(
          404,
          "unknown_stream",
          "there is no such stream: it was not resumable, was ended, or nobody came back within "
              + grace.toSeconds()
              + " s");
    }
    return stream;
  }

  private final class Stream {
    private final String id;
    private final String owner;
    private final SinkQueueWithCancel<ByteString> queue;
    private final List<ByteString> kept = new ArrayList<>();
    private long firstKept;
    private long keptBytes;
    private long connection;
    private boolean complete;
    private Cancellable expiry;

    /** The pull that is under way; whoever needs its event waits for it. */
    private @Nullable CompletableFuture<Optional<ByteString>> pull;

    Stream(String id, String owner, SinkQueueWithCancel<ByteString> queue) {
      this.id = id;
      this.owner = owner;
      this.queue = queue;
      this.expiry = expireLater();
    }

    private Cancellable expireLater() {
      return timer.after(grace, this::end);
    }

    synchronized Source<ByteString, NotUsed> attach(long from) {
      if (from < firstKept || from > firstKept + kept.size()) {
        throw ApiException.refused(
            410,
            "position_lost",
            "events from %d to %d can be had, not %d"
                .formatted(firstKept, firstKept + kept.size(), from));
      }
      long own = ++connection;
      expiry.cancel();
      expiry = expireLater();
      long[] next = {from};
      return Source.unfoldResourceAsync(
          () -> {
            begin(own);
            return CompletableFuture.completedFuture(next);
          },
          at -> read(own, at[0]).thenApply(event -> event.map(e -> numbered(e, at[0]++))),
          _ -> {
            detach(own);
            return CompletableFuture.completedFuture(Done.getInstance());
          });
    }

    private ByteString numbered(ByteString event, long number) {
      return ByteString.fromString("id: " + id + "/" + number + "\n").concat(event);
    }

    private synchronized void begin(long own) {
      if (own == connection) {
        expiry.cancel();
      }
    }

    private synchronized void detach(long own) {
      if (own == connection) {
        expiry.cancel();
        expiry = expireLater();
      }
    }

    private CompletionStage<Optional<ByteString>> read(long own, long at) {
      CompletableFuture<Optional<ByteString>> wanted;
      synchronized (this) {
        if (own != connection || (complete && at == firstKept + kept.size())) {
          return CompletableFuture.completedFuture(Optional.empty());
        }
        if (at < firstKept + kept.size()) {
          return CompletableFuture.completedFuture(
              Optional.of(kept.get(Math.toIntExact(at - firstKept))));
        }
        wanted = pull;
        if (wanted == null) {
          wanted = queue.pull().thenApply(this::keep).toCompletableFuture();
          if (pull == null && !wanted.isDone()) {
            pull = wanted;
          }
        }
      }
      // Another connection may have taken the stream over meanwhile: then this one gets no more.
      return wanted.thenApply(event -> isCurrent(own) ? event : Optional.empty());
    }

    private synchronized boolean isCurrent(long own) {
      return own == connection;
    }

    private synchronized Optional<ByteString> keep(Optional<ByteString> event) {
      pull = null;
      complete = event.isEmpty();
      event.ifPresent(
          e -> {
            kept.add(e);
            keptBytes += e.size();
            if (keptBytes > MAX_KEPT_BYTES) {
              forget(kept.size() / 2);
            }
          });
      return event;
    }

    private void forget(int oldest) {
      List<ByteString> gone = kept.subList(0, oldest);
      keptBytes -= gone.stream().mapToLong(ByteString::size).sum();
      firstKept += oldest;
      gone.clear();
    }

    void end() {
      streams.remove(id, this);
      synchronized (this) {
        expiry.cancel();
      }
      queue.cancel();
    }
  }
}
