package dev.sluice.actors.scheduling;

import dev.sluice.actors.PipelineStats;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.GenerationException.Kind;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The head's side of the protocol between gateways and head, around a {@link BatchScheduler}. Plain
 * like it, for one thread.
 *
 * <p>Messages may be lost, and nothing here hangs on any single one: what a gateway says is
 * cumulative and repeated, and a message that comes twice changes nothing. Events are numbered from
 * 0 for each submission; a gateway that misses one submits anew. A gateway that says nothing for
 * {@link #LEASE} is taken for gone, so that what it asked for does not hold slot and pages for
 * ever.
 *
 * @param <C> the address of a consumer
 */
public final class HeadProtocol<C> {
  /** Longest silence of a gateway. */
  public static final Duration LEASE = Duration.ofSeconds(30);

  /** How many ids of submissions that have ended are known, lest a late message begins one anew. */
  private static final int ENDED = 4096;

  /** Where answers go. */
  public interface Replies<C> {
    /** An event of a generation, the {@code index}-th of this submission. */
    void event(C consumer, GenerationId id, int index, TokenEvent event);

    /** The generation has failed; nothing else comes of it. */
    void failed(C consumer, GenerationId id, GenerationException reason);

    /** No generation of that id is live here. */
    void unknown(C consumer, GenerationId id);

    /** The generation is live; so many events were sent, some of which may be on their way. */
    void delivered(C consumer, GenerationId id, int count);
  }

  private static final class Generation<C> {
    /** Where it is now: a gateway that was removed from the cluster and came back has another. */
    C consumer;

    int granted;
    int events;
    long heardNanos;

    Generation(C consumer) {
      this.consumer = consumer;
    }
  }

  private final BatchScheduler scheduler;
  private final Replies<C> replies;
  private final LongSupplier clock;
  private final Map<GenerationId, Generation<C>> generations = new HashMap<>();
  private final Map<GenerationId, Boolean> ended =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<GenerationId, Boolean> eldest) {
          return size() > ENDED;
        }
      };

  /** Why every request fails; null while they are taken. */
  private @Nullable GenerationException refusal;

  /**
   * A head without a pipeline, until {@link BatchScheduler#resume}.
   *
   * @param limits until then
   * @param clock nanoseconds, ascending
   * @param link takes what goes to the first stage
   */
  public HeadProtocol(
      SchedulerLimits limits,
      LongSupplier clock,
      Consumer<LinkCommand> link,
      FailureText failureText,
      Replies<C> replies) {
    this.clock = clock;
    this.replies = replies;
    SchedulerOutput output =
        new SchedulerOutput() {
          @Override
          public void send(LinkCommand command) {
            link.accept(command);
          }

          @Override
          public void deliver(GenerationId request, TokenEvent event) {
            onEvent(request, event);
          }

          @Override
          public void fail(GenerationId request, GenerationException reason) {
            onFailed(request, reason);
          }
        };
    scheduler = new BatchScheduler(limits, clock, output, failureText);
    scheduler.suspend("it is starting");
  }

  /** To be told what comes out of the pipeline, and whether there is one. */
  public BatchScheduler scheduler() {
    return scheduler;
  }

  /** A gateway wants a generation; a second time it changes nothing. */
  public void submit(
      GenerationId id, TokenRequest request, Resume resume, int granted, C consumer) {
    if (refusal != null) {
      replies.failed(consumer, id, refusal);
      return;
    }
    if (ended.containsKey(id) || heard(id, granted, consumer) != null) {
      return;
    }
    Generation<C> generation = new Generation<>(consumer);
    generation.granted = granted;
    generation.heardNanos = clock.getAsLong();
    generations.put(id, generation);
    scheduler.submit(id, request, resume, granted);
  }

  /**
   * A gateway says how many events it has had room for since the submit, and how many it has got. A
   * repetition asks whether all is well, and is answered.
   */
  public void demand(GenerationId id, int granted, int received, C consumer) {
    if (refusal != null) {
      replies.failed(consumer, id, refusal);
      return;
    }
    Generation<C> generation = generations.get(id);
    boolean repeated = generation != null && granted <= generation.granted;
    if (heard(id, granted, consumer) == null) {
      replies.unknown(consumer, id);
    } else if (repeated && generation != null) {
      replies.delivered(consumer, id, generation.events);
    }
  }

  private @Nullable Generation<C> heard(GenerationId id, int granted, C consumer) {
    Generation<C> generation = generations.get(id);
    if (generation != null) {
      generation.consumer = consumer;
      generation.heardNanos = clock.getAsLong();
      if (granted > generation.granted) {
        generation.granted = granted;
        scheduler.grant(id, granted);
      }
    }
    return generation;
  }

  /** The consumer has gone. */
  public void cancel(GenerationId id) {
    generations.remove(id);
    ended.put(id, true);
    scheduler.cancel(id);
  }

  /**
   * Ends what has waited too long, and what nobody asks for any more. To be called now and then.
   */
  public void expire() {
    scheduler.expire();
    long now = clock.getAsLong();
    Iterator<Map.Entry<GenerationId, Generation<C>>> all = generations.entrySet().iterator();
    while (all.hasNext()) {
      Map.Entry<GenerationId, Generation<C>> entry = all.next();
      if (now - entry.getValue().heardNanos > LEASE.toNanos()) {
        all.remove();
        ended.put(entry.getKey(), true);
        scheduler.cancel(entry.getKey());
      }
    }
  }

  /** Every request fails from now on, those that are here too. */
  public void refuseAll(String reason) {
    refusal = new GenerationException(Kind.UNAVAILABLE, reason);
    scheduler.failAll(refusal);
  }

  /** This head ends, and another one may take over: all gateways are told to look for it. */
  public void leave() {
    List<GenerationId> all = List.copyOf(generations.keySet());
    for (GenerationId id : all) {
      Generation<C> generation = generations.remove(id);
      if (generation != null) {
        replies.unknown(generation.consumer, id);
      }
    }
  }

  /** Generations that are live here. */
  public int size() {
    return generations.size();
  }

  /** What goes on at the moment, and what was counted since the start. */
  public PipelineStats.Scheduling stats() {
    return scheduler.stats();
  }

  private void onEvent(GenerationId id, TokenEvent event) {
    Generation<C> generation = generations.get(id);
    if (generation != null) {
      if (event instanceof TokenEvent.Finished) {
        generations.remove(id);
        ended.put(id, true);
      }
      replies.event(generation.consumer, id, generation.events++, event);
    }
  }

  private void onFailed(GenerationId id, GenerationException reason) {
    Generation<C> generation = generations.remove(id);
    if (generation != null) {
      ended.put(id, true);
      replies.failed(generation.consumer, id, reason);
    }
  }
}
