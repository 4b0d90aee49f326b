package dev.sluice.actors.scheduling;

import dev.sluice.actors.kept.KeptSlot;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A request and its token log. Belongs to one {@link BatchScheduler}.
 *
 * <p>What the pipeline is fed with begins anew each time that the sequence takes a slot: the first
 * {@link #prefill} tokens are those that the log had then, and go in chunks; the others follow one
 * by one as they are sampled.
 */
final class Sequence {
  enum State {
    WAITING,
    RUNNING,
    /** Its CLOSE is on the way: results are ignored, slot and pages are still taken. */
    CLOSING,
    /** It has ended, and others may share what it has computed. */
    RESTING
  }

  final GenerationId id;
  final TokenRequest request;
  final int promptLength;
  final long submittedNanos;

  /** Since when it has waited for a slot. */
  long waitingSince;

  State state = State.WAITING;
  int slot = -1;

  /** The length that the pipeline it was submitted to allowed. */
  private final int wantedLength;

  private int maxLength;
  private int pages;

  /** Prompt and generated tokens; the first {@link #length}. */
  private int[] log;

  private int length;

  /** Tokens of the log that were put into micro-batches since it took its slot. */
  int sent;

  /** Whether it stands in one of the queues of those that can go on. */
  boolean queued;

  private int prefill;

  /** What the stages keep of it in its slot, and how far those have got that compute it again. */
  private @Nullable KeptSlot kept;

  private int replayed;

  /** Positions that it had from another sequence, and whether its consumer is to be told so. */
  private int reused;

  private boolean owesReused;

  /** The micro-batch that followed when it came to rest: all of its own are before that one. */
  long restedAt;

  /** Positions of the prompt whose scores were delivered, and how many were when it took a slot. */
  private int scored;

  private int scoreFrom;

  /** Most tokens that were ever sent, to this pipeline or one before. */
  private int mostSent;

  /** Events that its consumer has room for since the submit, that it got, and those to come. */
  private int granted;

  private int delivered;
  private int promised;

  /** From the loss of the pipeline until the next event. */
  private boolean recovering;

  private long lostNanos;
  private int lossesWithoutEvent;

  private int generated;
  private boolean started;
  private long startedNanos;
  private boolean sampled;
  private long firstTokenNanos;
  private long lastTokenNanos;

  Sequence(
      GenerationId id,
      TokenRequest request,
      Resume resume,
      SchedulerLimits limits,
      int granted,
      long now) {
    this.id = id;
    this.request = request;
    int[] prompt = request.prompt();
    int[] more = resume.generated();
    this.promptLength = prompt.length;
    this.length = prompt.length + more.length;
    this.log = Arrays.copyOf(prompt, length);
    System.arraycopy(more, 0, log, prompt.length, more.length);
    this.generated = more.length;
    this.scored = resume.scored();
    this.mostSent = resume.begun() ? length - 1 : 0;
    this.granted = granted;
    this.submittedNanos = now;
    this.waitingSince = now;
    this.wantedLength = Admission.maxLength(limits, request);
    fit(limits);
  }

  /** Takes the bounds of a pipeline: a request without a limit gets no longer than it allows. */
  void fit(SchedulerLimits limits) {
    maxLength =
        request.maxTokens() == TokenRequest.UNLIMITED
            ? Math.min(wantedLength, Admission.maxLength(limits, request))
            : wantedLength;
    pages = limits.pages(Admission.positions(request, maxLength));
  }

  /** The log never grows longer. */
  int maxLength() {
    return maxLength;
  }

  /** KV pages set aside while it has a slot. */
  int pages() {
    return pages;
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

  /** By which stages know it again in another epoch. */
  long number() {
    return id.sequence();
  }

  /** Most positions that need not be sent again: all whose rows gave their last event. */
  int mostKept() {
    return request.scorePrompt() && scored < promptLength ? scored : length - 1;
  }

  /** It has a slot: everything that is not kept is to be sent, up to where the log ends now. */
  LinkCommand.Open admitted(KeptSlot kept) {
    this.kept = kept;
    state = State.RUNNING;
    sent = kept.positions();
    replayed = kept.rebuilt() == 0 ? sent : 0;
    prefill = length;
    scoreFrom = scored;
    return new LinkCommand.Open(kept, LinkCommand.Open.NOTHING_SHARED, request, tokens());
  }

  /**
   * It has a slot, and begins with positions of another sequence.
   *
   * @param from that one's slot
   */
  LinkCommand.Open admittedSharing(int from, int positions, SchedulingCounters counters) {
    admitted(new KeptSlot(slot, number(), positions, 0));
    reused = Math.min(positions, promptLength);
    // A consumer that takes one event at a time would wait for ever for room for two.
    owesReused = generated == 0 && delivered == 0 && granted > 1 && !recovering;
    counters.reusedTokens += positions;
    return new LinkCommand.Open(Objects.requireNonNull(kept), from, request, tokens());
  }

  /** How many first positions another sequence has in its slot that are those of this one too. */
  int common(Sequence other) {
    boolean has = other.state == State.RUNNING || other.state == State.RESTING;
    int most = has && other.unreplayed() == 0 ? Math.min(other.sent, mostKept()) : 0;
    int mismatch = Arrays.mismatch(log, 0, most, other.log, 0, most);
    return mismatch < 0 ? most : mismatch;
  }

  /** Whether what another sequence has computed is what this one began with. */
  boolean begins(Sequence other) {
    return other.sent <= sent && Arrays.mismatch(log, 0, other.sent, other.log, 0, other.sent) < 0;
  }

  /** Kept positions that stages are still to compute again. */
  int unreplayed() {
    return kept == null ? 0 : kept.positions() - replayed;
  }

  /** The next of the positions that stages compute again. */
  LinkCommand.Replay replay(long number, int most, SchedulingCounters counters) {
    KeptSlot from = Objects.requireNonNull(kept);
    int[] tokens = Arrays.copyOfRange(log, replayed, replayed + Math.min(most, unreplayed()));
    LinkCommand.Replay replay =
        new LinkCommand.Replay(number, slot, replayed, tokens, from.rebuilds(0));
    replayed += tokens.length;
    counters.replayedTokens += tokens.length;
    return replay;
  }

  /** The pipeline is gone, and with it what was sent; it waits for the next one. */
  void interrupted(long now) {
    boolean couldGoOn = sent > 0 && granted > delivered;
    lossesWithoutEvent += couldGoOn ? 1 : 0;
    if (!recovering) {
      recovering = true;
      lostNanos = now;
    }
    state = State.WAITING;
    slot = -1;
    queued = false;
    sent = 0;
    kept = null;
    reused = delivered == 0 ? 0 : reused;
    owesReused = false;
    promised = 0;
    waitingSince = now;
  }

  /** Pipelines in a row that were lost while they worked on it, and gave nothing for it. */
  int lossesWithoutEvent() {
    return lossesWithoutEvent;
  }

  /** Whether the next event is to be preceded by one that tells of a loss. */
  boolean owesRecovered() {
    return recovering && request.tellRecoveries();
  }

  /** Whether the next event is to be preceded by one that tells what was reused. */
  boolean owesReused() {
    return owesReused;
  }

  TokenEvent.Reused reusedTold() {
    owesReused = false;
    return new TokenEvent.Reused(reused);
  }

  TokenEvent.Recovered recovered(long now) {
    return new TokenEvent.Recovered(generated, Duration.ofNanos(now - lostNanos));
  }

  /** An event is delivered that a row had promised. */
  void delivered() {
    promised--;
    delivered++;
    recovering = false;
    lossesWithoutEvent = 0;
  }

  /**
   * The consumer has room for so many events since the submit; less than before changes nothing.
   */
  void grant(int total) {
    granted = Math.max(granted, total);
  }

  /** Events that may still be caused: neither promised to a row in flight nor delivered. */
  int credit() {
    return granted - delivered - promised;
  }

  /** So many rows are put into a micro-batch. */
  void send(int count, SchedulingCounters counters) {
    promised += events(sent, count);
    int end = sent + count;
    int again = Math.clamp(mostSent - sent, 0, count);
    counters.recomputedTokens += again;
    counters.promptTokens += Math.max(0, Math.min(end, promptLength) - (sent + again));
    sent = end;
    mostSent = Math.max(mostSent, end);
  }

  /** Whether the log was sent as a whole once, so that it goes on token by token. */
  boolean decoding() {
    return sent >= prefill;
  }

  /** Tokens that could be sent. */
  int unsent() {
    return length - sent;
  }

  /** Whether the next rows to be sent give scores of the prompt. */
  boolean scoring() {
    return scores(sent);
  }

  /** Whether the row of a position gives a score of the prompt. */
  boolean scores(int position) {
    return request.scorePrompt() && position >= scoreFrom && position < promptLength;
  }

  /** Where the next rows to be sent stop being of one kind: with scores, or without. */
  int chunkEnd() {
    if (!request.scorePrompt() || sent >= promptLength) {
      return prefill;
    }
    return sent < scoreFrom ? scoreFrom : promptLength;
  }

  /** How many events the rows cause that begin at a position. */
  int events(int from, int count) {
    int end = from + count;
    int scores =
        request.scorePrompt()
            ? Math.max(0, Math.min(end, promptLength) - Math.max(from, scoreFrom))
            : 0;
    int tokens = request.maxTokens() > 0 ? Math.max(0, end - Math.max(from, prefill - 1)) : 0;
    int first = request.scorePrompt() && scoreFrom < promptLength ? scoreFrom : prefill - 1;
    int told = (owesRecovered() || owesReused()) && from <= first && first < end ? 1 : 0;
    return scores + tokens + told;
  }

  /** Whether it has a token to send, and credit for the events that this token's row causes. */
  boolean canGoOn() {
    return state == State.RUNNING
        && (unreplayed() > 0 || (unsent() > 0 && events(sent, 1) <= credit()));
  }

  void started(long now) {
    if (!started) {
      started = true;
      startedNanos = now;
    }
  }

  /** Positions of the prompt whose scores were delivered. */
  int scored() {
    return scored;
  }

  void scoredNext() {
    scored++;
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
    generated++;
    if (!sampled) {
      sampled = true;
      firstTokenNanos = now;
    }
    lastTokenNanos = now;
  }

  /** Whether all that was asked for was delivered. */
  boolean complete() {
    return request.maxTokens() == 0
        ? scored == promptLength
        : generated >= request.maxTokens() || length >= maxLength;
  }

  TokenEvent.Finished finished(FinishReason reason, long now) {
    long begun = started ? startedNanos : now;
    long first = sampled ? firstTokenNanos : now;
    long last = sampled ? lastTokenNanos : now;
    return new TokenEvent.Finished(
        reason,
        new Usage(promptLength, generated, reused),
        new Timings(begun - submittedNanos, first - begun, last - first));
  }

  @Override
  public String toString() {
    return "Sequence[id=" + id + ", " + state + ", slot=" + slot + ", " + sent + "/" + length + "]";
  }
}
