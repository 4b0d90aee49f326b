package dev.sluice.ops.serve.live;

import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.model.Batch;
import dev.sluice.ops.serve.model.GenerationObserver;
import dev.sluice.ops.serve.model.GenerationWatch;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.flow.TextEvent;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What requests felt of late: tokens of each second, the last waits for a first token and between
 * tokens, and what happened to the pipeline. For any thread.
 */
public final class Pulse implements GenerationObserver {
  /** Seconds that are kept. */
  static final int SECONDS = 180;

  private static final int MAX_MOMENTS = 64;
  private static final int FIRST_TOKENS = 64;
  private static final int STEPS = 512;

  /** Losses that so many streams report within this time are one. */
  private static final Duration TOGETHER = Duration.ofSeconds(3);

  /** Something that happened, for the time line. */
  public sealed interface Moment {
    /** Milliseconds since 1970. */
    long time();
  }

  /**
   * A part of the pipeline was lost, and streams went on.
   *
   * @param streams how many
   * @param pause the longest
   */
  public record Recovery(long time, int streams, Duration pause) implements Moment {}

  /** The pipeline was built anew. */
  public record Rebuilt(long time, int epoch, String why) implements Moment {}

  private final LongSupplier millis;
  private final long[] tokens = new long[SECONDS];
  private final Ring firstTokens = new Ring(FIRST_TOKENS);
  private final Ring steps = new Ring(STEPS);
  private final ArrayDeque<Moment> moments = new ArrayDeque<>();
  private long second;
  private int epoch = -1;

  /**
   * Nothing felt.
   *
   * @param millis since 1970
   */
  public Pulse(LongSupplier millis) {
    this.millis = millis;
    this.second = millis.getAsLong() / 1000;
  }

  @Override
  public GenerationWatch watch(Call call, ServedModel model, Batch batch) {
    return watch(batch.requests().size());
  }

  GenerationWatch watch(int choices) {
    return new Watch(choices);
  }

  private synchronized void token() {
    advance();
    tokens[place(second)]++;
  }

  /** Tokens of each of the last seconds, the oldest first; the present one is not among them. */
  synchronized long[] history() {
    advance();
    long[] history = new long[SECONDS - 1];
    for (int i = 0; i < history.length; i++) {
      history[i] = tokens[place(second - history.length + i)];
    }
    return history;
  }

  private void advance() {
    long now = Math.max(second, millis.getAsLong() / 1000);
    for (long s = Math.max(second + 1, now - SECONDS + 1); s <= now; s++) {
      tokens[place(s)] = 0;
    }
    second = now;
  }

  private static int place(long second) {
    return (int) Math.floorMod(second, (long) SECONDS);
  }

  /** The median of the last requests; empty before the first. */
  synchronized OptionalLong firstTokenNanos() {
    return firstTokens.median();
  }

  /** The median of the last tokens; empty before the second. */
  synchronized OptionalLong betweenTokensNanos() {
    return steps.median();
  }

  /** What happened, the oldest first. */
  synchronized List<Moment> moments() {
    return List.copyOf(moments);
  }

  /** The pipeline is of this epoch; the first that is told is no news. */
  synchronized void epoch(int now, String why) {
    if (now > epoch && epoch >= 0) {
      add(new Rebuilt(millis.getAsLong(), now, why));
    }
    epoch = Math.max(epoch, now);
  }

  private synchronized void recovered(Duration pause) {
    long now = millis.getAsLong();
    Recovery before = null;
    for (Moment moment : moments) {
      if (moment instanceof Recovery recovery && now - recovery.time <= TOGETHER.toMillis()) {
        before = recovery;
      }
    }
    if (before == null) {
      add(new Recovery(now, 1, pause));
    } else {
      moments.remove(before);
      Duration longest = pause.compareTo(before.pause) > 0 ? pause : before.pause;
      add(new Recovery(before.time, before.streams + 1, longest));
    }
  }

  private void add(Moment moment) {
    if (moments.size() == MAX_MOMENTS) {
      moments.removeFirst();
    }
    moments.addLast(moment);
  }

  private synchronized void waited(Ring ring, long nanos) {
    ring.add(nanos);
  }

  private final class Watch implements GenerationWatch {
    private final long began = System.nanoTime();
    private final long[] last;

    Watch(int choices) {
      last = new long[choices];
    }

    @Override
    public void admitted(Duration waited) {}

    @Override
    public void event(int choice, TextEvent event) {
      switch (event) {
        case TextEvent.Piece _ -> {
          long now = System.nanoTime();
          token();
          waited(last[choice] == 0 ? firstTokens : steps, now - from(choice));
          last[choice] = now;
        }
        case TextEvent.Recovered(int _, Duration pause) -> recovered(pause);
        case TextEvent.Prompt _, TextEvent.Scored _, TextEvent.Finished _ -> {}
      }
    }

    private long from(int choice) {
      return last[choice] == 0 ? began : last[choice];
    }

    @Override
    public void ended(@Nullable Throwable failure) {}
  }

  /** The last few of many. */
  private static final class Ring {
    private final long[] values;
    private long count;

    Ring(int size) {
      values = new long[size];
    }

    void add(long value) {
      values[(int) (count++ % values.length)] = value;
    }

    OptionalLong median() {
      int size = (int) Math.min(count, values.length);
      if (size == 0) {
        return OptionalLong.empty();
      }
      long[] sorted = Arrays.copyOf(values, size);
      Arrays.sort(sorted);
      return OptionalLong.of(sorted[size / 2]);
    }
  }
}
