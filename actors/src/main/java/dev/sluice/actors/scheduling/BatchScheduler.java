package dev.sluice.actors.scheduling;

import dev.sluice.actors.PipelineStats;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.GenerationException.Kind;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

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
 *   <li><b>Micro-batches.</b> At most {@link SchedulerLimits#maxInFlight} are in flight, each of at
 *       most the token budget; see {@link MicroBatchComposer} for what goes into one. Chunks of one
 *       prompt may be in flight one behind the other.
 *   <li><b>Credit.</b> Every event that a row may cause takes one credit of its consumer's when the
 *       row is sent. Without credit a sequence rests and the others go on.
 * </ul>
 */
public final class BatchScheduler {
  private final LongSupplier clock;
  private final SchedulerOutput output;
  private final FailureText failureText;

  private SchedulerLimits limits;
  private MicroBatchComposer composer;
  private SlotTable slots;
  private boolean open = true;

  /** All live requests, waiting ones too. Closing sequences are in {@link #slots} alone. */
  private final Map<Long, Sequence> live = new LinkedHashMap<>();

  private final ArrayDeque<Sequence> waiting = new ArrayDeque<>();
  private final ArrayDeque<InFlight> inFlight = new ArrayDeque<>();
  private long nextNumber;

  private long promptTokens;
  private long generatedTokens;
  private int maxInFlight;
  private long finished;
  private long failed;

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
    this.composer = new MicroBatchComposer(limits);
    this.slots = new SlotTable(limits);
  }

  /**
   * A new request. A bad or unwelcome one is answered by {@link SchedulerOutput#fail}.
   *
   * @param id unique among live requests
   * @param credit events that its consumer takes for now
   */
  public void submit(long id, TokenRequest request, int credit) {
    GenerationException refusal = Admission.refusal(limits, request);
    if (refusal == null && waiting.size() >= limits.maxWaiting() && !startsAtOnce(request)) {
      refusal =
          new GenerationException(
              Kind.OVERLOADED,
              waiting.size() + " requests wait already, which is the limit: try again later");
    }
    if (refusal != null) {
      failed++;
      output.fail(id, refusal);
      return;
    }
    int maxLength = Admission.maxLength(limits, request);
    int pages = limits.pages(Admission.positions(request, maxLength));
    Sequence sequence = new Sequence(id, request, maxLength, pages, credit, clock.getAsLong());
    if (live.putIfAbsent(id, sequence) != null) {
      throw new IllegalArgumentException("request " + id + " is there already");
    }
    waiting.addLast(sequence);
    pump();
  }

  /** The consumer of a request takes more events. Unknown requests are ignored. */
  public void credit(long id, int more) {
    Sequence sequence = live.get(id);
    if (sequence != null) {
      sequence.credit = Math.addExact(sequence.credit, more);
      composer.ready(sequence);
      pump();
    }
  }

  /** The consumer has gone: nothing more is delivered. Unknown requests are ignored. */
  public void cancel(long id) {
    Sequence sequence = live.get(id);
    if (sequence != null) {
      finished++;
      leave(sequence);
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
    if (sequence == null || sequence.state != Sequence.State.CLOSING) {
      throw new IllegalStateException("slot " + slot + " was closed, which holds " + sequence);
    }
    slots.free(sequence);
    pump();
  }

  /** Fails the requests that have waited too long. To be called now and then. */
  public void expire() {
    long now = clock.getAsLong();
    long limit = limits.queueTimeout().toNanos();
    Iterator<Sequence> oldest = waiting.iterator();
    while (oldest.hasNext()) {
      Sequence sequence = oldest.next();
      if (now - sequence.submittedNanos < limit) {
        return;
      }
      oldest.remove();
      live.remove(sequence.id);
      fail(
          sequence,
          new GenerationException(
              Kind.OVERLOADED,
              "the request waited "
                  + limits.queueTimeout().toSeconds()
                  + " s for a place in the pipeline, which is the limit: try again later"));
    }
  }

  /** How long the oldest micro-batch has been in flight; 0 where none is. */
  public long oldestStepNanos() {
    InFlight oldest = inFlight.peekFirst();
    return oldest == null ? 0 : clock.getAsLong() - oldest.sentNanos();
  }

  /**
   * The pipeline is gone: every sequence that has a place fails, nothing is in flight any more, and
   * nothing is sent until {@link #resume}. Requests that wait go on waiting.
   */
  public void suspend(GenerationException reason) {
    open = false;
    composer.clear();
    inFlight.clear();
    for (Sequence sequence : slots.clear()) {
      if (sequence.state == Sequence.State.RUNNING) {
        live.remove(sequence.id);
        fail(sequence, reason);
      }
    }
  }

  /** A new pipeline is there, all of its slots empty; its limits may differ. */
  public void resume(SchedulerLimits newLimits) {
    if (open) {
      throw new IllegalStateException("the pipeline is there already");
    }
    limits = newLimits;
    composer = new MicroBatchComposer(newLimits);
    slots = new SlotTable(newLimits);
    for (Sequence sequence : List.copyOf(waiting)) {
      GenerationException refusal = Admission.refusal(newLimits, sequence.request);
      if (refusal != null || sequence.pages > newLimits.capacityPages()) {
        waiting.remove(sequence);
        live.remove(sequence.id);
        fail(sequence, refusal != null ? refusal : Admission.tooLarge(newLimits, sequence.pages));
      }
    }
    open = true;
    pump();
  }

  /** Fails every request, waiting ones too. */
  public void failAll(GenerationException reason) {
    suspend(reason);
    for (Sequence sequence : waiting) {
      fail(sequence, reason);
    }
    waiting.clear();
    live.clear();
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
        promptTokens,
        generatedTokens,
        nextNumber,
        maxInFlight,
        finished,
        failed);
  }

  /** Sequences that could be put into a micro-batch now, were there room for one more. */
  int readySequences() {
    return composer.waiting();
  }

  private boolean startsAtOnce(TokenRequest request) {
    int maxLength = Admission.maxLength(limits, request);
    return open
        && waiting.isEmpty()
        && slots.hasRoom(limits.pages(Admission.positions(request, maxLength)));
  }

  private void admit() {
    Sequence sequence;
    while ((sequence = waiting.peekFirst()) != null && slots.hasRoom(sequence.pages)) {
      waiting.removeFirst();
      slots.take(sequence);
      sequence.state = Sequence.State.RUNNING;
      output.send(new LinkCommand.Open(sequence.slot, sequence.request, sequence.tokens()));
      composer.ready(sequence);
    }
  }

  private void pump() {
    if (!open) {
      return;
    }
    admit();
    while (inFlight.size() < limits.maxInFlight() && composer.waiting() > 0) {
      boolean spare = inFlight.size() >= limits.stages();
      LinkCommand.Step step = composer.compose(nextNumber, slots.decoding(), spare);
      if (step == null) {
        return;
      }
      nextNumber++;
      long now = clock.getAsLong();
      inFlight.addLast(new InFlight(step.number(), now));
      maxInFlight = Math.max(maxInFlight, inFlight.size());
      for (int i = 0; i < step.entries(); i++) {
        Sequence sequence = composer.member(i);
        sequence.started(now);
        promptTokens += step.startPosition(i) < sequence.promptLength ? step.tokenCount(i) : 0;
      }
      output.send(step);
    }
  }

  private void onResult(RowResult result) {
    Sequence sequence = slots.at(result.slot());
    if (sequence == null) {
      throw new IllegalStateException("a result came for the empty slot " + result.slot());
    }
    if (sequence.state != Sequence.State.RUNNING) {
      return;
    }
    if (result.failure() != MicroBatch.FINE) {
      Kind kind =
          switch (result.failure()) {
            case MicroBatch.NO_KV_PAGES -> Kind.NO_KV_PAGES;
            case MicroBatch.NON_FINITE -> Kind.NON_FINITE;
            default -> Kind.SHARD_FAILED;
          };
      String text = failureText.of(result.failedStage(), result.failure());
      leave(sequence);
      fail(sequence, new GenerationException(kind, text));
      return;
    }
    checkRow(sequence, result);
    if (sequence.request.scorePrompt() && result.position() < sequence.promptLength) {
      onScored(sequence, result);
    }
    if (sequence.request.maxTokens() > 0 && result.position() == sequence.length() - 1) {
      onToken(sequence, result);
    }
  }

  private void checkRow(Sequence sequence, RowResult result) {
    boolean scored = sequence.request.scorePrompt() && result.position() < sequence.promptLength;
    boolean last = result.position() == sequence.length() - 1;
    if (result.position() < 0
        || result.position() >= sequence.sent
        || !(scored || last)
        || result.token() < 0
        || result.token() >= limits.vocabularySize()) {
      throw new IllegalStateException(result + " came for " + sequence);
    }
  }

  private void onScored(Sequence sequence, RowResult result) {
    boolean last = result.position() == sequence.promptLength - 1;
    output.deliver(
        sequence.id,
        new TokenEvent.Scored(
            result.position(),
            last ? OptionalDouble.empty() : OptionalDouble.of(result.logit()),
            result.logSumExp(),
            result.top()));
    if (last && sequence.request.maxTokens() == 0) {
      finish(sequence, FinishReason.LENGTH, clock.getAsLong());
    }
  }

  private void onToken(Sequence sequence, RowResult result) {
    long now = clock.getAsLong();
    generatedTokens++;
    if (sequence.request.isStopToken(result.token())) {
      sequence.countGenerated(now);
      finish(sequence, FinishReason.STOP, now);
      return;
    }
    sequence.append(result.token(), now);
    output.deliver(
        sequence.id,
        new TokenEvent.Token(
            result.token(),
            result.position() + 1,
            result.logit(),
            result.logSumExp(),
            result.top()));
    if (sequence.full()) {
      finish(sequence, FinishReason.LENGTH, now);
    } else {
      composer.ready(sequence);
    }
  }

  private void finish(Sequence sequence, FinishReason reason, long now) {
    finished++;
    leave(sequence);
    output.deliver(sequence.id, sequence.finished(reason, now));
  }

  private void fail(Sequence sequence, GenerationException reason) {
    failed++;
    output.fail(sequence.id, reason);
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
