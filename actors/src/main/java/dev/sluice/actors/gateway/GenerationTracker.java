package dev.sluice.actors.gateway;

import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.actors.scheduling.Resume;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.GenerationException.Kind;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.agrona.collections.IntArrayList;
import org.jspecify.annotations.Nullable;

/**
 * One generation at its gateway: what its consumer got, and what it has room for. Sees to it that
 * the consumer gets every event once and in order, though messages are lost and heads die: when
 * another head has taken over, when the head does not know the generation, or when an event is
 * missing, it submits the generation anew, with the tokens that it has. A plain state machine, for
 * one thread; it reads time from the clock it is given and does nothing by itself.
 *
 * <p>Every wait ends: without a sign of life from a head for the time given, and after {@link
 * #MAX_SUBMISSIONS} submissions in a row that brought nothing, the generation fails.
 *
 * @param <H> the address of a head
 */
public final class GenerationTracker<H> {
  /** How often {@link #tick} is to be called, and how long to wait for what may be on its way. */
  public static final Duration RETRY = Duration.ofMillis(500);

  /** How often the head hears of a consumer that has no room. */
  static final Duration KEEP_ALIVE = Duration.ofSeconds(5);

  /** Submissions in a row that may bring no event, of a consumer that has room. */
  static final int MAX_SUBMISSIONS = 10;

  /** Takes what a tracker decides, during the call that made it decide. */
  public interface Output<H> {
    /** A new submission. */
    void submit(H head, GenerationId id, TokenRequest request, Resume resume, int granted);

    /** What the consumer has had room for since the submission, and what it got. */
    void demand(H head, GenerationId id, int granted, int received);

    /** The submission is not wanted any more. */
    void cancel(H head, GenerationId id);

    /** For the consumer; {@link TokenEvent.Finished} is the last. */
    void emit(TokenEvent event);

    /** The generation has failed; nothing else comes. */
    void fail(GenerationException reason);
  }

  private final TokenRequest request;
  private final int window;
  private final Duration patience;
  private final Supplier<GenerationId> ids;
  private final LongSupplier clock;
  private final Output<H> output;
  private final long beganNanos;

  private final IntArrayList tokens = new IntArrayList();
  private int scored;
  private int unread;
  private boolean done;

  private @Nullable H head;

  /** Why there is no head, or none for now. */
  private @Nullable String missing;

  private @Nullable Duration retryAfter;

  /** The submission that counts, the events it brought, and what was granted to it. */
  private @Nullable GenerationId id;

  /** The last submission, whether it counts or not. */
  private @Nullable GenerationId last;

  private int received;
  private int granted;

  /** Events that the head is known to have sent, and since when it has been ahead of us. */
  private int sent;

  private long aheadSince;

  private int submissions;
  private int submissionsWithoutEvent;
  private boolean quiet;
  private long saidNanos;
  private long heardNanos;

  /** From a loss until the next event. */
  private boolean recovering;

  private long lostNanos;
  private long firstTokenNanos;
  private long lastTokenNanos;

  /**
   * A generation that is submitted as soon as there is a head.
   *
   * @param window most events that the consumer has not taken, the last one not counted
   * @param patience longest time without a sign of life from a head
   * @param ids new ones
   * @param clock nanoseconds, ascending
   */
  public GenerationTracker(
      TokenRequest request,
      int window,
      Duration patience,
      Supplier<GenerationId> ids,
      LongSupplier clock,
      Output<H> output) {
    this.request = request;
    this.window = window;
    this.patience = patience;
    this.ids = ids;
    this.clock = clock;
    this.output = output;
    this.beganNanos = clock.getAsLong();
    this.heardNanos = beganNanos;
    this.firstTokenNanos = beganNanos;
    this.lastTokenNanos = beganNanos;
  }

  /** The head is there; another one than before has none of what the one before had. */
  public void headAt(H now) {
    if (done) {
      return;
    }
    missing = null;
    retryAfter = null;
    H before = head;
    GenerationId old = id;
    if (before != null && old != null) {
      if (now.equals(before)) {
        head = now;
        say(now, old);
        return;
      }
      output.cancel(before, old);
    }
    head = now;
    submit(now);
  }

  /** There is no head, or nobody knows where; it may come back, or another one come. */
  public void headMissing(String reason) {
    missing = reason;
    retryAfter = null;
  }

  /** There is no head, and none in sight: fails unless it was submitted before. */
  public void unavailable(String reason, Duration after) {
    missing = reason;
    retryAfter = after;
    if (submissions == 0) {
      end(new GenerationException(Kind.UNAVAILABLE, reason, after));
    }
  }

  /** An event came, the {@code index}-th of a submission. */
  public void onEvent(GenerationId of, int index, TokenEvent event) {
    if (!current(of) || index < received) {
      return;
    }
    if (index > received) {
      headSent(index + 1);
      return;
    }
    received++;
    aheadSince = clock.getAsLong();
    accept(event);
  }

  /** The head says that a submission has failed. */
  public void onFailed(GenerationId of, GenerationException reason) {
    if (current(of)) {
      id = null;
      end(reason);
    }
  }

  /** The head does not know a submission: it is lost, or its end was. */
  public void onUnknown(GenerationId of) {
    if (current(of)) {
      id = null;
      H at = head;
      if (at != null) {
        submit(at);
      }
    }
  }

  /** The head says how many events of a submission it has sent. */
  public void onDelivered(GenerationId of, int count) {
    if (current(of)) {
      headSent(count);
    }
  }

  /** The consumer has taken an event. */
  public void taken() {
    unread--;
    H at = head;
    GenerationId live = id;
    // In halves of the window: fewer messages, and never more unread than the window.
    if (!done && at != null && live != null && room() - granted >= Math.max(1, window / 2)) {
      say(at, live);
    }
  }

  /** Time goes by: to be called every {@link #RETRY}. */
  public void tick() {
    if (done) {
      return;
    }
    long now = clock.getAsLong();
    if (now - heardNanos >= patience.toNanos()) {
      end(silence());
      return;
    }
    H at = head;
    GenerationId live = id;
    if (at == null || live == null) {
      return;
    }
    if (sent > received && now - aheadSince >= RETRY.toNanos()) {
      output.cancel(at, live);
      submit(at);
      return;
    }
    boolean waits = unread < window;
    if (waits ? quiet : now - saidNanos >= KEEP_ALIVE.toNanos()) {
      say(at, live);
    }
    quiet = true;
  }

  /** The consumer has gone. */
  public void cancel() {
    if (!done) {
      done = true;
      leave();
    }
  }

  /** Ends the generation with a failure. */
  public void end(GenerationException reason) {
    if (!done) {
      done = true;
      leave();
      output.fail(reason);
    }
  }

  private void leave() {
    H at = head;
    GenerationId live = id;
    id = null;
    if (at != null && live != null) {
      output.cancel(at, live);
    }
  }

  private boolean current(GenerationId of) {
    if (done || !of.equals(id)) {
      return false;
    }
    heardNanos = clock.getAsLong();
    return true;
  }

  private void headSent(int count) {
    if (sent <= received && count > received) {
      aheadSince = clock.getAsLong();
    }
    sent = Math.max(sent, count);
  }

  private void submit(H to) {
    long now = clock.getAsLong();
    if (submissions > 0 && !recovering) {
      recovering = true;
      lostNanos = now;
    }
    int room = Math.max(0, window - unread);
    submissions++;
    submissionsWithoutEvent += room > 0 ? 1 : 0;
    if (submissionsWithoutEvent > MAX_SUBMISSIONS) {
      id = null;
      end(
          new GenerationException(
              Kind.UNAVAILABLE,
              "the request was submitted "
                  + MAX_SUBMISSIONS
                  + " times in a row without an answer: try again later"));
      return;
    }
    GenerationId drawn = ids.get();
    GenerationId before = last;
    GenerationId fresh = before == null ? drawn : new GenerationId(before.high(), drawn.low());
    last = fresh;
    id = fresh;
    received = 0;
    sent = 0;
    granted = room;
    said(now);
    output.submit(to, fresh, request, new Resume(tokens.toIntArray(), scored), granted);
  }

  /** What the consumer has had room for since the submission. */
  private int room() {
    return received + Math.max(0, window - unread);
  }

  private void say(H to, GenerationId live) {
    granted = Math.max(granted, room());
    said(clock.getAsLong());
    output.demand(to, live, granted, received);
  }

  private void said(long now) {
    saidNanos = now;
    quiet = false;
  }

  private void accept(TokenEvent event) {
    long now = clock.getAsLong();
    boolean begun = tokens.size() > 0 || scored > 0;
    quiet = false;
    submissionsWithoutEvent = 0;
    switch (event) {
      case TokenEvent.Scored(int position, _, _, _) -> {
        if (!expected(position, scored)) {
          return;
        }
        scored++;
      }
      case TokenEvent.Token token -> {
        if (!expected(token.position(), request.promptLength() + tokens.size())) {
          return;
        }
        if (tokens.isEmpty()) {
          firstTokenNanos = now;
        }
        lastTokenNanos = now;
      }
      case TokenEvent.Reused _, TokenEvent.Recovered _, TokenEvent.Finished _ -> {}
    }
    if (recovering && begun && request.tellRecoveries()) {
      emit(new TokenEvent.Recovered(tokens.size(), Duration.ofNanos(now - lostNanos)));
    }
    recovering = false;
    switch (event) {
      case TokenEvent.Finished finished -> {
        done = true;
        id = null;
        output.emit(submissions == 1 ? finished : withTimings(finished, now));
      }
      case TokenEvent.Token token -> {
        tokens.addInt(token.id());
        emit(event);
      }
      case TokenEvent.Scored _, TokenEvent.Reused _, TokenEvent.Recovered _ -> emit(event);
    }
  }

  private void emit(TokenEvent event) {
    unread++;
    output.emit(event);
  }

  private boolean expected(int position, int next) {
    if (position != next) {
      end(
          new GenerationException(
              Kind.INTERNAL,
              "the head sent an event of position " + position + " where " + next + " was due"));
    }
    return position == next;
  }

  /** The last head knows only its own part: the times are those that the gateway saw. */
  private TokenEvent.Finished withTimings(TokenEvent.Finished finished, long now) {
    long first = tokens.isEmpty() ? now : firstTokenNanos;
    long last = tokens.isEmpty() ? now : lastTokenNanos;
    return new TokenEvent.Finished(
        finished.reason(), finished.usage(), new Timings(0, first - beganNanos, last - first));
  }

  private GenerationException silence() {
    String reason = missing;
    String text =
        reason == null
            ? "the head of the pipeline has not answered for " + patience.toSeconds() + " s"
            : "the pipeline has not been there for " + patience.toSeconds() + " s: " + reason;
    Duration after = retryAfter;
    return after == null
        ? new GenerationException(Kind.UNAVAILABLE, text)
        : new GenerationException(Kind.UNAVAILABLE, text, after);
  }
}
