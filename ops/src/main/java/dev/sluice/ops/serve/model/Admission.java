package dev.sluice.ops.serve.model;

import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Caller;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;

/**
 * Lets in as many sequences as are computed at a time; the others wait, higher priorities first and
 * then in order, up to a limit beyond which they are refused at once, with when to come back. For
 * any thread.
 */
public final class Admission {
  private static final Duration MIN_RETRY = Duration.ofSeconds(1);
  private static final Duration MAX_RETRY = Duration.ofSeconds(60);
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();

  private final int slots;
  private final int maxWaiting;
  private final LongSupplier clock;
  private final PriorityQueue<Ticket> waiting =
      new PriorityQueue<>(
          Comparator.comparingInt((Ticket t) -> -t.priority).thenComparingLong(t -> t.number));
  private final Map<String, Account> accounts = new HashMap<>();
  private int taken;
  private int open;
  private long numbers;
  private boolean closed;

  /** How long requests took of late, for an estimate of when it is worth to come back. */
  private double usualNanos = Duration.ofSeconds(2).toNanos();

  /** What is counted for one key. */
  private static final class Account {
    int open;

    /** Tokens that may be used now; below 0 after a long answer. */
    double tokens;

    long filledNanos;
  }

  /**
   * Nobody in it.
   *
   * @param slots sequences at a time
   * @param maxWaiting requests that may wait
   * @param clock nanoseconds, ascending
   */
  public Admission(int slots, int maxWaiting, LongSupplier clock) {
    this.slots = slots;
    this.maxWaiting = maxWaiting;
    this.clock = clock;
  }

  /** One request's place. */
  public final class Ticket {
    private final Caller caller;
    private final int weight;
    private final int priority;
    private final long number;
    private final long enteredNanos = clock.getAsLong();
    private final CompletableFuture<Ticket> granted = new CompletableFuture<>();
    private boolean running;
    private boolean done;
    private long grantedNanos;

    private Ticket(Caller caller, int weight, int priority, long number) {
      this.caller = caller;
      this.weight = weight;
      this.priority = priority;
      this.number = number;
    }

    /** Completes with this when it is let in; never where it leaves before. */
    public CompletionStage<Ticket> granted() {
      return granted;
    }

    /** How long it waited, once it is in. */
    public Duration waited() {
      return Duration.ofNanos(grantedNanos - enteredNanos);
    }

    /** Gives the place back, or stops waiting. A second call does nothing. */
    public void leave() {
      Admission.this.leave(this);
    }

    /** Charges the caller for tokens. */
    public void charge(int tokens) {
      Admission.this.charge(caller, tokens);
    }
  }

  /**
   * Asks for a place.
   *
   * @param weight sequences that the request has at a time
   * @param priority beyond the caller's own
   * @throws ApiException where it can not even wait
   */
  public Ticket enter(Caller caller, int weight, int priority) {
    Ticket ticket;
    List<Ticket> ready;
    synchronized (this) {
      if (closed) {
        throw ApiException.unavailable(
            "shutting_down", "the server is shutting down", Duration.ofSeconds(5));
      }
      if (weight > slots) {
        throw ApiException.invalid(
            "n",
            "%d sequences at a time were asked for, and the server has room for %d"
                .formatted(weight, slots));
      }
      checkLimits(caller);
      if (waiting.size() >= maxWaiting && (taken + weight > slots || !waiting.isEmpty())) {
        throw ApiException.tooMany(
            "queue_full",
            "%d requests are waiting already: try again later".formatted(waiting.size()),
            retryAfter());
      }
      ticket = new Ticket(caller, weight, caller.priority() + priority, numbers++);
      account(caller).open++;
      open++;
      waiting.add(ticket);
      ready = letIn();
    }
    ready.forEach(t -> t.granted.complete(t));
    return ticket;
  }

  private void checkLimits(Caller caller) {
    Account account = account(caller);
    if (account.open >= caller.concurrency()) {
      throw ApiException.tooMany(
          "concurrency_limit",
          "the key %s has %d requests at work, which is as many as it may have"
              .formatted(caller.name(), account.open),
          retryAfter());
    }
    if (caller.tokensPerMinute() != Long.MAX_VALUE) {
      fill(account, caller);
      if (account.tokens <= 0) {
        double perNano = (double) caller.tokensPerMinute() / MINUTE;
        throw ApiException.tooMany(
            "token_rate_limit",
            "the key %s has used its %d tokens a minute"
                .formatted(caller.name(), caller.tokensPerMinute()),
            Duration.ofNanos((long) ((1 - account.tokens) / perNano)));
      }
    }
  }

  private Account account(Caller caller) {
    return accounts.computeIfAbsent(
        caller.name(),
        _ -> {
          Account account = new Account();
          account.tokens = caller.tokensPerMinute();
          account.filledNanos = clock.getAsLong();
          return account;
        });
  }

  private void fill(Account account, Caller caller) {
    long now = clock.getAsLong();
    double more = (double) (now - account.filledNanos) / MINUTE * caller.tokensPerMinute();
    account.tokens = Math.min((double) caller.tokensPerMinute(), account.tokens + more);
    account.filledNanos = now;
  }

  private synchronized void charge(Caller caller, int tokens) {
    if (caller.tokensPerMinute() != Long.MAX_VALUE) {
      Account account = account(caller);
      fill(account, caller);
      account.tokens -= tokens;
    }
  }

  /** Those that get a place now; whoever is first and does not fit holds up those behind. */
  private List<Ticket> letIn() {
    List<Ticket> ready = new ArrayList<>();
    for (Ticket first = waiting.peek();
        first != null && taken + first.weight <= slots;
        first = waiting.peek()) {
      waiting.remove();
      taken += first.weight;
      first.running = true;
      first.grantedNanos = clock.getAsLong();
      ready.add(first);
    }
    return ready;
  }

  private void leave(Ticket ticket) {
    List<Ticket> ready;
    synchronized (this) {
      if (ticket.done) {
        return;
      }
      ticket.done = true;
      account(ticket.caller).open--;
      open--;
      notifyAll();
      if (ticket.running) {
        taken -= ticket.weight;
        long took = clock.getAsLong() - ticket.grantedNanos;
        usualNanos += (took - usualNanos) / 8;
      } else {
        waiting.remove(ticket);
      }
      ready = letIn();
    }
    ready.forEach(t -> t.granted.complete(t));
  }

  /** When the queue will have moved on by about a request. */
  private Duration retryAfter() {
    long nanos = (long) (usualNanos * (waiting.size() + 1) / slots);
    Duration guess = Duration.ofNanos(nanos);
    return guess.compareTo(MIN_RETRY) < 0
        ? MIN_RETRY
        : guess.compareTo(MAX_RETRY) > 0 ? MAX_RETRY : guess;
  }

  /** Lets nobody in any more; those that are in, or wait, go on. */
  public synchronized void close() {
    closed = true;
  }

  /**
   * Waits until nobody is in it.
   *
   * @return how many are left after {@code limit}
   */
  public synchronized int awaitEmpty(Duration limit) throws InterruptedException {
    long end = clock.getAsLong() + limit.toNanos();
    for (long left = limit.toMillis(); open > 0 && left > 0; ) {
      wait(left);
      left = (end - clock.getAsLong()) / 1_000_000;
    }
    return open;
  }

  public synchronized boolean isClosed() {
    return closed;
  }

  /** Requests that have a place. */
  public synchronized int running() {
    return open - waiting.size();
  }

  /** Requests that wait for one. */
  public synchronized int waiting() {
    return waiting.size();
  }
}
