package dev.sluice.actors.scheduling;

import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import java.util.Arrays;

/** A request and its token log. Belongs to one {@link BatchScheduler}. */
final class Sequence {
  enum State {
    WAITING,
    RUNNING,
    /** Its CLOSE is on the way: results are ignored, slot and pages are still taken. */
    CLOSING
  }

  final long id;
  final TokenRequest request;
  final int promptLength;

  /** The log never grows longer. */
  final int maxLength;

  /** KV pages set aside while it has a slot. */
  final int pages;

  final long submittedNanos;

  State state = State.WAITING;
  int slot = -1;

  /** Prompt and generated tokens; the first {@link #length}. */
  private int[] log;

  private int length;

  /** Tokens of the log that were put into micro-batches. */
  int sent;

  /** Events that may still be caused: neither promised to a row in flight nor delivered. */
  int credit;

  /** Whether it stands in one of the queues of those that can go on. */
  boolean queued;

  private int generated;
  private boolean started;
  private long startedNanos;
  private long firstTokenNanos;
  private long lastTokenNanos;

  Sequence(
      long id, TokenRequest request, int maxLength, int pages, int credit, long submittedNanos) {
    this.id = id;
    this.request = request;
    this.log = request.prompt();
    this.length = log.length;
    this.promptLength = log.length;
    this.maxLength = maxLength;
    this.pages = pages;
    this.credit = credit;
    this.submittedNanos = submittedNanos;
  }

  int length() {
    return length;
  }

  int[] tokens() {
    return Arrays.copyOf(log, length);
  }

  void copyTokens(int from, int count, int[] target, int at) {
    System.arraycopy(log, from, target, at, count);
  }

  int token(int position) {
    return log[position];
  }

  /** Whether the prompt was sent as a whole, so that it goes on token by token. */
  boolean decoding() {
    return sent >= promptLength;
  }

  /** Tokens that could be sent. */
  int unsent() {
    return length - sent;
  }

  /** How many events the row of a position causes: at most two, on a scored prompt's last row. */
  int eventsOf(int position) {
    int scored = request.scorePrompt() && position < promptLength ? 1 : 0;
    int token = position >= promptLength - 1 && request.maxTokens() > 0 ? 1 : 0;
    return scored + token;
  }

  /** Whether it has a token to send, and credit for the events that this token's row causes. */
  boolean canGoOn() {
    return state == State.RUNNING && unsent() > 0 && eventsOf(sent) <= credit;
  }

  void started(long now) {
    if (!started) {
      started = true;
      startedNanos = now;
    }
  }

  void append(int token, long now) {
    if (length == log.length) {
      log = Arrays.copyOf(log, (int) Math.min(maxLength, length + Math.max(64L, length / 2)));
    }
    log[length++] = token;
    countGenerated(now);
  }

  /** A stop token counts as generated but does not enter the log. */
  void countGenerated(long now) {
    if (generated++ == 0) {
      firstTokenNanos = now;
    }
    lastTokenNanos = now;
  }

  int generated() {
    return generated;
  }

  boolean full() {
    return generated >= request.maxTokens() || length >= maxLength;
  }

  TokenEvent.Finished finished(FinishReason reason, long now) {
    long begun = started ? startedNanos : now;
    long first = generated == 0 ? now : firstTokenNanos;
    long last = generated == 0 ? now : lastTokenNanos;
    return new TokenEvent.Finished(
        reason,
        new Usage(promptLength, generated),
        new Timings(begun - submittedNanos, first - begun, last - first));
  }

  @Override
  public String toString() {
    return "Sequence[id=" + id + ", " + state + ", slot=" + slot + ", " + sent + "/" + length + "]";
  }
}
