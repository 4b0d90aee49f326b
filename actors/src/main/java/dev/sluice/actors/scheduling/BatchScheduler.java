package dev.sluice.actors.scheduling;

import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.kept.KeptSlot;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.GenerationException.Kind;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.link.SampleFailure;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Continuous batching over a pipeline: decides, after every event, which micro-batches to send. A
 * plain state machine, for one thread; it reads time from the clock it is given and does nothing by
 * itself. It owns the token log of every sequence.
 *
 * <ul>
 *   <li><b>Places.</b> A request takes a slot and KV pages for its worst case, prompt and all
 *       tokens it may generate, before it starts, and gives them back when its CLOSE has gone
 *       through all stages. So a running sequence never lacks a page, and no sequence's length
 *       depends on its companions. Requests wait in the order they came; none overtakes.
 *   <li><b>Prefixes.</b> A sequence that has ended rests in its slot, and a request that begins
 *       like one in a slot begins with that one's KV pages; see {@link PrefixCache}.
 *   <li><b>Micro-batches.</b> At most {@link SchedulerLimits#maxInFlight} are in flight, each of at
 *       most the token budget; see {@link MicroBatchComposer} for what goes into one. Chunks of one
 *       prompt may be in flight one behind the other.
 *   <li><b>Credit.</b> Every event that a row may cause takes one credit of its consumer's when the
 *       row is sent. Without credit a sequence rests and the others go on.
 *   <li><b>Loss.</b> When the pipeline is lost, its sequences keep their logs and wait in front of
 *       all others for the next one. What its stages still have of them is gone on from, also by
 *       another head to which they are submitted soon; the rest of their logs is fed again. What
 *       was delivered is not delivered again; sampling is a function of the log, so the rest is
 *       what it would have been.
 * </ul>
 */
public final class BatchScheduler {
  /**
   * Pipelines in a row that may be lost while they work on a sequence, without an event for it: one
   * that kills every pipeline must not take all others with it.
   */
  static final int MAX_LOSSES = 4;

  /** So long a slot is set aside for a sequence that another head had. */
  static final long OFFER_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final LongSupplier clock;
  private final SchedulerOutput output;
  private final FailureText failureText;

  private SchedulerLimits limits;
  private final SchedulingCounters counters = new SchedulingCounters();
  private final RowEvents events;
  private MicroBatchComposer composer;
  private SlotTable slots;
  private PrefixCache prefixes;

  /** Why there is no pipeline; null while there is one. */
  private @Nullable String lost;

  /** All live requests, waiting ones too. Closing sequences are in {@link #slots} alone. */
  private final Map<GenerationId, Sequence> live = new LinkedHashMap<>();

  private final ArrayDeque<Sequence> waiting = new ArrayDeque<>();
  private final ArrayDeque<InFlight> inFlight = new ArrayDeque<>();
  private long nextNumber;
  private long offeredSince;

  private record InFlight(long number, long sentNanos) {}

  /**
   * @param clock nanoseconds, ascending
   * @param failureText says what a failure of a stage was
   */
  public BatchScheduler(
      SchedulerLimits limits, LongSupplier clock, SchedulerOutput output, FailureText failureText) {
    this.limits = limits;
    this.clock = clock;
    this.output = output;
    this.failureText = failureText;
    this.events = new RowEvents(output, clock, counters);
    this.composer = new MicroBatchComposer(limits, counters);
    this.slots = new SlotTable(limits);
    this.prefixes = prefixCache();
  }

  private PrefixCache prefixCache() {
    LongSupplier oldest = () -> inFlight.isEmpty() ? nextNumber : inFlight.getFirst().number();
    return new PrefixCache(limits, slots, oldest, output, counters);
  }

  /**
   * A new request. A bad or unwelcome one is answered by {@link SchedulerOutput#fail}; one of which
   * its consumer has got all events but the last, by that one.
   *
   * @param id unique among live requests
   * @param resume what its consumer has got
   * @param granted events that its consumer has room for
   */
  public void submit(GenerationId id, TokenRequest request, Resume resume, int granted) {
    GenerationException refusal = Admission.refusal(limits, request, resume);
    if (refusal == null && waiting.size() >= mostWaiting(resume) && !startsAtOnce(request)) {
      refusal =
          new GenerationException(
              Kind.OVERLOADED,
              waiting.size() + " requests wait already, which is the limit: try again later");
    }
    if (refusal != null) {
      counters.failed++;
      output.fail(id, refusal);
      return;
    }
    long now = clock.getAsLong();
    Sequence sequence = new Sequence(id, request, resume, limits, granted, now);
    if (live.putIfAbsent(id, sequence) != null) {
      throw new IllegalArgumentException("request " + id + " is there already");
    }
    if (!goOn(sequence)) {
      waiting.addLast(sequence);
    }
    if (sequence.complete()) {
      finish(sequence, FinishReason.LENGTH, now);
    }
    pump();
  }

  /** Where the stages kept a sequence for which there was another head, it goes on from there. */
  private boolean goOn(Sequence sequence) {
    KeptSlot kept = slots.takeOffer(sequence.number());
    if (kept == null) {
      return false;
    }
    KeptSlot useful = useful(List.of(kept), sequence);
    if (useful.positions() == 0 || !slots.hasRoom(kept.slot(), sequence.pages())) {
      close(kept);
      return false;
    }
    slots.take(sequence, kept.slot());
    open(sequence, useful);
    return true;
  }

  private void close(KeptSlot kept) {
    if (slots.close(kept.slot())) {
      output.send(new LinkCommand.Close(kept.slot()));
    }
  }

  /** Those that had a place at a head before find one to wait for it, whoever else waits. */
  private int mostWaiting(Resume resume) {
    return limits.maxWaiting() + (lost != null || resume.begun() ? limits.maxSequences() : 0);
  }

  /**
   * Says for how many events the consumer of a request has had room since the submit, those that it
   * took included; less than it said before changes nothing. Unknown requests are ignored.
   */
  public void grant(GenerationId id, int granted) {
    Sequence sequence = live.get(id);
    if (sequence != null) {
      sequence.grant(granted);
      composer.ready(sequence);
      pump();
    }
  }

  /** The consumer has gone: nothing more is delivered. Unknown requests are ignored. */
  public void cancel(GenerationId id) {
    Sequence sequence = live.get(id);
    if (sequence != null) {
      counters.finished++;
      end(sequence);
      pump();
    }
  }

  /**
   * A micro-batch came out of the last stage.
   *
   * @param number of the oldest micro-batch in flight: links keep order
   * @param results of its rows of logits and failed entries, in order
   * @throws IllegalStateException for a number that is not the oldest's, or a result that no row
   *     asked for: the link's ends disagree, and the pipeline must be rebuilt
   */
  public void arrived(long number, List<RowResult> results) {
    InFlight oldest = inFlight.peekFirst();
    if (oldest == null || oldest.number() != number) {
      throw new IllegalStateException(
          "micro-batch " + number + " came back where " + oldest + " was due");
    }
    inFlight.removeFirst();
    for (RowResult result : results) {
      onResult(result);
    }
    pump();
  }

  /**
   * The CLOSE of a slot has gone through all stages.
   *
   * @throws IllegalStateException where none was sent
   */
  public void closed(int slot) {
    Sequence sequence = slots.at(slot);
    if (sequence != null && sequence.state == Sequence.State.CLOSING) {
      slots.free(sequence);
    } else if (!slots.closed(slot)) {
      throw new IllegalStateException("slot " + slot + " was closed, which holds " + sequence);
    }
    pump();
  }

  /**
   * Fails the requests that have waited too long, and gives up what stages kept for requests that
   * do not come. To be called now and then.
   */
  public void expire() {
    long now = clock.getAsLong();
    if (now - offeredSince >= OFFER_NANOS) {
      giveUpOffers();
    }
    long limit = limits.queueTimeout().toNanos();
    for (Sequence sequence : List.copyOf(waiting)) {
      if (now - sequence.waitingSince >= limit) {
        drop(sequence, expired());
      }
    }
  }

  private void giveUpOffers() {
    KeptSlot kept;
    while ((kept = slots.takeOffer()) != null) {
      close(kept);
    }
    pump();
  }

  private GenerationException expired() {
    long seconds = limits.queueTimeout().toSeconds();
    return lost == null
        ? new GenerationException(
            Kind.OVERLOADED,
            "the request waited "
                + seconds
                + " s for a place in the pipeline, which is the limit: try again later")
        : new GenerationException(
            Kind.UNAVAILABLE,
            "the request waited "
                + seconds
                + " s for the pipeline, which is the limit; it is not there: "
                + lost);
  }

  /** How long the oldest micro-batch has been in flight; 0 where none is. */
  public long oldestStepNanos() {
    InFlight oldest = inFlight.peekFirst();
    return oldest == null ? 0 : clock.getAsLong() - oldest.sentNanos();
  }

  /**
   * The pipeline is gone: nothing is in flight any more, and nothing is sent until {@link #resume}.
   * Every sequence that had a place waits again, in front of the requests that wait; only one that
   * a number of pipelines in a row got no further with fails.
   *
   * @param reason in one sentence
   */
  public void suspend(String reason) {
    lost = reason;
    composer.clear();
    inFlight.clear();
    slots.clear();
    long now = clock.getAsLong();
    List<Sequence> running = new ArrayList<>();
    for (Sequence sequence : live.values()) {
      if (sequence.state == Sequence.State.RUNNING) {
        sequence.interrupted(now);
        running.add(sequence);
      }
    }
    // The order of the requests is that in which they came, and so that of those with a place.
    for (Sequence sequence : running.reversed()) {
      waiting.addFirst(sequence);
      counters.recoveries++;
      if (sequence.lossesWithoutEvent() >= MAX_LOSSES) {
        drop(
            sequence,
            new GenerationException(
                Kind.SHARD_FAILED,
                "the pipeline was lost "
                    + MAX_LOSSES
                    + " times in a row while it worked on this request, the last time: "
                    + reason));
      }
    }
  }

  /**
   * A new pipeline is there; its limits may differ.
   *
   * @param kept all of which its stages have something; a sequence among them keeps its slot and
   *     goes on from there; for one that is not known here, and that another head had, the slot is
   *     set aside for some seconds
   */
  public void resume(SchedulerLimits newLimits, List<KeptSlot> kept) {
    if (lost == null) {
      throw new IllegalStateException("the pipeline is there already");
    }
    limits = newLimits;
    composer = new MicroBatchComposer(newLimits, counters);
    slots = new SlotTable(newLimits);
    prefixes = prefixCache();
    for (Sequence sequence : List.copyOf(waiting)) {
      sequence.fit(newLimits);
      GenerationException refusal = Admission.refusal(newLimits, sequence);
      if (refusal != null) {
        drop(sequence, refusal);
      } else if (sequence.complete()) {
        finish(sequence, FinishReason.LENGTH, clock.getAsLong());
      }
    }
    lost = null;
    List<Sequence> keeping = keep(kept);
    offeredSince = clock.getAsLong();
    // Whoever has had sequences knows all of them: the others are nobody's.
    boolean served = nextNumber > 0;
    for (KeptSlot slot : kept) {
      boolean known = live.values().stream().anyMatch(s -> s.number() == slot.sequence());
      if (served || known || slot.positions() == 0 || !slots.offer(slot)) {
        close(slot);
      }
    }
    for (Sequence sequence : keeping) {
      open(sequence, useful(kept, sequence));
    }
    pump();
  }

  /** The sequences that keep their slots, in order; they have these slots now. */
  private List<Sequence> keep(List<KeptSlot> kept) {
    List<Sequence> keeping = new ArrayList<>();
    for (Sequence sequence : List.copyOf(waiting)) {
      KeptSlot slot = useful(kept, sequence);
      if (slot.positions() > 0 && slots.hasRoom(slot.slot(), sequence.pages())) {
        waiting.remove(sequence);
        slots.take(sequence, slot.slot());
        keeping.add(sequence);
      }
    }
    return keeping;
  }

  /** What is kept of a sequence and need not be sent again; no position where there is nothing. */
  private static KeptSlot useful(List<KeptSlot> kept, Sequence sequence) {
    for (KeptSlot slot : kept) {
      if (slot.sequence() == sequence.number()) {
        int positions = Math.min(slot.positions(), sequence.mostKept());
        return new KeptSlot(slot.slot(), slot.sequence(), positions, slot.rebuilt());
      }
    }
    return new KeptSlot(-1, sequence.number(), 0, 0);
  }

  /** Fails every request, waiting ones too; there is no pipeline from now on. */
  public void failAll(GenerationException reason) {
    lost = reason.getMessage();
    composer.clear();
    inFlight.clear();
    slots.clear();
    waiting.clear();
    List<Sequence> all = List.copyOf(live.values());
    live.clear();
    all.forEach(sequence -> fail(sequence, reason));
  }

  /** What goes on at the moment, and what was counted since the start. */
  public PipelineStats.Scheduling stats() {
    return new PipelineStats.Scheduling(
        slots.count(Sequence.State.RUNNING),
        waiting.size(),
        slots.count(Sequence.State.CLOSING),
        inFlight.size(),
        slots.reservedPages(),
        limits.capacityPages(),
        counters.promptTokens,
        counters.generatedTokens,
        nextNumber,
        counters.maxInFlight,
        counters.finished,
        counters.failed,
        counters.recoveries,
        counters.recomputedTokens,
        counters.replayedTokens,
        slots.count(Sequence.State.RESTING),
        counters.reusedTokens);
  }

  /** Sequences that could be put into a micro-batch now, were there room for one more. */
  int readySequences() {
    return composer.waiting();
  }

  private boolean startsAtOnce(TokenRequest request) {
    int maxLength = Admission.maxLength(limits, request);
    return lost == null
        && waiting.isEmpty()
        && slots.couldHaveRoom(limits.pages(Admission.positions(request, maxLength)));
  }

  private void admit() {
    Sequence sequence;
    while ((sequence = waiting.peekFirst()) != null) {
      LinkCommand.Open open = prefixes.admit(sequence);
      if (open == null) {
        return;
      }
      waiting.removeFirst();
      output.send(open);
      composer.ready(sequence);
    }
  }

  private void open(Sequence sequence, KeptSlot kept) {
    output.send(sequence.admitted(kept));
    composer.ready(sequence);
  }

  private void pump() {
    if (lost != null) {
      return;
    }
    admit();
    while (inFlight.size() < limits.maxInFlight() && composer.waiting() > 0) {
      boolean spare = inFlight.size() >= limits.stages();
      LinkCommand microBatch = composer.compose(nextNumber, slots.decoding(), spare);
      if (microBatch == null) {
        return;
      }
      long now = clock.getAsLong();
      inFlight.addLast(new InFlight(nextNumber++, now));
      counters.maxInFlight = Math.max(counters.maxInFlight, inFlight.size());
      for (int i = 0; i < composer.members(); i++) {
        composer.member(i).started(now);
      }
      output.send(microBatch);
    }
  }

  private void onResult(RowResult result) {
    Sequence sequence = slots.at(result.slot());
    if (sequence == null && !slots.stale(result.slot())) {
      throw new IllegalStateException("a result came for the empty slot " + result.slot());
    }
    if (sequence == null || sequence.state != Sequence.State.RUNNING) {
      return;
    }
    if (result.failure() == SampleFailure.GRAMMAR_ENDED) {
      finish(sequence, FinishReason.STOP, clock.getAsLong());
      return;
    }
    if (result.failure() != MicroBatch.FINE) {
      leave(sequence);
      fail(sequence, failure(result));
      return;
    }
    FinishReason end = events.accept(sequence, result, limits.vocabularySize());
    if (end != null) {
      finish(sequence, end, clock.getAsLong());
    } else {
      composer.ready(sequence);
    }
  }

  private GenerationException failure(RowResult result) {
    Kind kind =
        switch (result.failure()) {
          case MicroBatch.NO_KV_PAGES -> Kind.NO_KV_PAGES;
          case MicroBatch.NON_FINITE -> Kind.NON_FINITE;
          case SampleFailure.GRAMMAR -> Kind.INVALID_REQUEST;
          default -> Kind.SHARD_FAILED;
        };
    return new GenerationException(kind, failureText.of(result.failedStage(), result.failure()));
  }

  private void finish(Sequence sequence, FinishReason reason, long now) {
    counters.finished++;
    end(sequence);
    output.deliver(sequence.id, sequence.finished(reason, now));
  }

  private void fail(Sequence sequence, GenerationException reason) {
    counters.failed++;
    output.fail(sequence.id, reason);
  }

  /** Fails a request that waits. */
  private void drop(Sequence sequence, GenerationException reason) {
    leave(sequence);
    fail(sequence, reason);
  }

  /** Takes a sequence out that has ended in good order: it may stay in its slot. */
  private void end(Sequence sequence) {
    if (prefixes.rest(sequence, nextNumber)) {
      live.remove(sequence.id);
      composer.forget(sequence);
    } else {
      leave(sequence);
    }
  }

  /** Takes a sequence out of everything; if it has a slot, its CLOSE goes behind its last step. */
  private void leave(Sequence sequence) {
    live.remove(sequence.id);
    composer.forget(sequence);
    if (sequence.state == Sequence.State.WAITING) {
      waiting.remove(sequence);
    } else {
      sequence.state = Sequence.State.CLOSING;
      output.send(new LinkCommand.Close(sequence.slot));
    }
  }
}
