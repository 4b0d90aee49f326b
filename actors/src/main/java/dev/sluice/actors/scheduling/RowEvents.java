package dev.sluice.actors.scheduling;

import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.TokenEvent;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Makes events of what came back for a row, and enters the token into the log. */
final class RowEvents {
  private final SchedulerOutput output;
  private final LongSupplier clock;
  private final SchedulingCounters counters;

  RowEvents(SchedulerOutput output, LongSupplier clock, SchedulingCounters counters) {
    this.output = output;
    this.clock = clock;
    this.counters = counters;
  }

  /**
   * Delivers what a row without failure gives.
   *
   * @return why the sequence has ended; null where it goes on
   * @throws IllegalStateException for a result that no row asked for
   */
  @Nullable FinishReason accept(Sequence sequence, RowResult result, int vocabularySize) {
    check(sequence, result, vocabularySize);
    if (sequence.scores(result.position())) {
      score(sequence, result);
    }
    if (sequence.request.maxTokens() > 0 && result.position() == sequence.length() - 1) {
      counters.generatedTokens++;
      if (sequence.request.isStopToken(result.token())) {
        sequence.countGenerated(clock.getAsLong());
        return FinishReason.STOP;
      }
      token(sequence, result);
    }
    return sequence.complete() ? FinishReason.LENGTH : null;
  }

  private static void check(Sequence sequence, RowResult result, int vocabularySize) {
    boolean scores = sequence.scores(result.position());
    boolean last = result.position() == sequence.length() - 1;
    if (result.position() < 0
        || result.position() >= sequence.sent
        || !(scores ? result.position() == sequence.scored() : last)
        || result.token() < 0
        || result.token() >= vocabularySize) {
      throw new IllegalStateException(result + " came for " + sequence);
    }
  }

  private void score(Sequence sequence, RowResult result) {
    boolean last = result.position() == sequence.promptLength - 1;
    sequence.scoredNext();
    deliver(
        sequence,
        new TokenEvent.Scored(
            result.position(),
            last ? OptionalDouble.empty() : OptionalDouble.of(result.logit()),
            result.logSumExp(),
            result.top()));
  }

  private void token(Sequence sequence, RowResult result) {
    deliver(
        sequence,
        new TokenEvent.Token(
            result.token(),
            result.position() + 1,
            result.logit(),
            result.logSumExp(),
            result.top()));
    sequence.append(result.token(), clock.getAsLong());
  }

  private void deliver(Sequence sequence, TokenEvent event) {
    TokenEvent before =
        sequence.owesRecovered()
            ? sequence.recovered(clock.getAsLong())
            : sequence.owesReused() ? sequence.reusedTold() : null;
    if (before != null) {
      sequence.delivered();
      output.deliver(sequence.id, before);
    }
    sequence.delivered();
    output.deliver(sequence.id, event);
  }
}
