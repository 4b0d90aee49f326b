package dev.sluice.actors.scheduling;

import dev.sluice.model.shard.MicroBatch;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Chooses what goes into the next micro-batch. Decoding sequences go first, those that became ready
 * first before the others, but no more than an n-th of them into one micro-batch of n stages, so
 * that every stage has some to work on. Chunks of prompts, one of each prompt, fill what is left of
 * the budget in turn. What has to be replayed after a loss goes in micro-batches of its own, every
 * second one while there is other work.
 */
final class MicroBatchComposer {
  private final SchedulerLimits limits;
  private final SchedulingCounters counters;
  private final ArrayDeque<Sequence> decodes = new ArrayDeque<>();
  private final ArrayDeque<Sequence> prompts = new ArrayDeque<>();
  private final ArrayDeque<Sequence> replays = new ArrayDeque<>();
  private boolean replayedLast;

  private final int[] entries;
  private final int[] tokens;
  private final Sequence[] members;
  private int count;
  private int rows;
  private int logitRows;

  MicroBatchComposer(SchedulerLimits limits, SchedulingCounters counters) {
    this.limits = limits;
    this.counters = counters;
    entries = new int[limits.maxSequences() * 4];
    members = new Sequence[limits.maxSequences()];
    tokens = new int[limits.tokenBudget()];
  }

  /** Puts a sequence that can go on into the queue where it belongs, unless it stands in one. */
  void ready(Sequence sequence) {
    if (!sequence.queued && sequence.canGoOn()) {
      sequence.queued = true;
      queue(sequence).addLast(sequence);
    }
  }

  private ArrayDeque<Sequence> queue(Sequence sequence) {
    return sequence.unreplayed() > 0 ? replays : sequence.decoding() ? decodes : prompts;
  }

  /** Takes a sequence out. */
  void forget(Sequence sequence) {
    if (sequence.queued) {
      sequence.queued = false;
      queue(sequence).remove(sequence);
    }
  }

  void clear() {
    decodes.forEach(s -> s.queued = false);
    prompts.forEach(s -> s.queued = false);
    replays.forEach(s -> s.queued = false);
    decodes.clear();
    prompts.clear();
    replays.clear();
  }

  /** Sequences that could be put into a micro-batch now. */
  int waiting() {
    return decodes.size() + prompts.size() + replays.size();
  }

  /**
   * Composes a micro-batch from those that are ready.
   *
   * @param number its number
   * @param decoding sequences that decode, in flight ones included
   * @param spare whether every stage has a micro-batch already: then one is worth while only with a
   *     piece of a prompt or a full share of decodes
   * @return null where there is nothing worth sending; {@link #member} tells the entries' sequences
   */
  @Nullable LinkCommand compose(long number, int decoding, boolean spare) {
    boolean others = !decodes.isEmpty() || !prompts.isEmpty();
    replayedLast = !replays.isEmpty() && !(replayedLast && others);
    return replayedLast ? replay(number) : step(number, decoding, spare);
  }

  /** A piece of what one sequence has to replay, in turn. */
  private LinkCommand.Replay replay(long number) {
    Sequence sequence = replays.removeFirst();
    sequence.queued = false;
    members[0] = sequence;
    count = 1;
    LinkCommand.Replay replay = sequence.replay(number, limits.tokenBudget(), counters);
    ready(sequence);
    return replay;
  }

  private LinkCommand.@Nullable Step step(long number, int decoding, boolean spare) {
    int share = Math.max(1, Math.ceilDiv(decoding, limits.stages()));
    if (spare && prompts.isEmpty() && decodes.size() < share) {
      return null;
    }
    count = 0;
    rows = 0;
    logitRows = 0;
    for (int left = Math.min(share, decodes.size()); left > 0; left--) {
      Sequence sequence = decodes.removeFirst();
      sequence.queued = false;
      add(sequence, 1);
    }
    int candidates = prompts.size();
    for (int i = 0; i < candidates && rows < limits.tokenBudget(); i++) {
      Sequence sequence = prompts.removeFirst();
      sequence.queued = false;
      int chunk = chunk(sequence);
      if (chunk > 0) {
        add(sequence, chunk);
      }
      // Behind all others: its next chunk goes into the next micro-batch.
      ready(sequence);
    }
    if (count == 0) {
      return null;
    }
    return new LinkCommand.Step(
        number, Arrays.copyOf(entries, count * 4), Arrays.copyOf(tokens, rows));
  }

  /** How many entries the micro-batch composed last has. */
  int members() {
    return count;
  }

  /** The sequence of entry {@code i} of the micro-batch composed last. */
  Sequence member(int i) {
    return members[i];
  }

  /** How many tokens of a log that was not sent yet may go into the micro-batch under way. */
  private int chunk(Sequence sequence) {
    int most = Math.min(limits.prefillChunk(), limits.tokenBudget() - rows);
    int chunk = Math.min(most, sequence.chunkEnd() - sequence.sent);
    int logitsLeft = limits.maxLogitRows() - logitRows;
    int credit = sequence.credit();
    if (sequence.scoring()) {
      chunk = Math.min(chunk, Math.min(logitsLeft, credit));
    }
    while (chunk > 0
        && (logits(sequence, chunk) > logitsLeft
            || sequence.events(sequence.sent, chunk) > credit)) {
      chunk--;
    }
    return chunk;
  }

  /** Rows of logits that the next rows of a sequence give. */
  private static int logits(Sequence sequence, int count) {
    boolean reachesEnd = sequence.sent + count == sequence.length();
    return sequence.scoring() ? count : reachesEnd ? 1 : 0;
  }

  private void add(Sequence sequence, int tokenCount) {
    int end = sequence.sent + tokenCount;
    int flags = 0;
    if (sequence.scoring()) {
      flags = MicroBatch.ALL_LOGITS;
    } else if (end == sequence.length()) {
      flags = MicroBatch.LAST_LOGITS;
    }
    logitRows += logits(sequence, tokenCount);
    int at = count * 4;
    entries[at] = sequence.slot;
    entries[at + 1] = sequence.sent;
    entries[at + 2] = tokenCount;
    entries[at + 3] = flags;
    members[count++] = sequence;
    sequence.copyTokens(sequence.sent, tokenCount, tokens, rows);
    rows += tokenCount;
    sequence.send(tokenCount, counters);
  }
}
