package dev.sluice.actors.scheduling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Stages that move commands along in order, each when the seeded chance says so, with a KV cache of
 * counted pages each and a model whose token is a hash of all tokens before it. Checks, at every
 * step, what a real stage would choke on, and the scheduler's promises.
 */
final class SimulatedPipeline implements SchedulerOutput {
  SchedulerLimits limits;
  final Map<GenerationId, Consumer> consumers = new HashMap<>();
  final List<ArrayDeque<Object>> links = new ArrayList<>();
  private final List<Map<Integer, List<Integer>>> caches = new ArrayList<>();
  private final Map<Integer, TokenRequest> requests = new HashMap<>();
  private final Set<Integer> failedSlots = new HashSet<>();
  private final Random random;
  private int inFlight;
  long now;
  int steps;
  int mostEntries;
  long failurePerMille;

  SimulatedPipeline(SchedulerLimits limits, Random random) {
    this.limits = limits;
    this.random = random;
    for (int i = 0; i <= limits.stages(); i++) {
      links.add(new ArrayDeque<>());
      caches.add(new HashMap<>());
    }
  }

  /** What a consumer has got. */
  static final class Consumer {
    final TokenRequest request;
    final int window;
    final List<TokenEvent> events = new ArrayList<>();
    @Nullable GenerationException failure;
    boolean gone;
    boolean reads = true;
    int read;

    /** Events that it has room for, all in all, and that it had got when it was submitted last. */
    int granted;

    int submittedAt;

    Consumer(TokenRequest request, int window) {
      this.request = request;
      this.window = window;
      this.granted = window;
    }

    boolean ended() {
      return gone
          || failure != null
          || (!events.isEmpty() && events.getLast() instanceof TokenEvent.Finished);
    }

    /** How far it came, for another head. */
    Resume resume() {
      List<Integer> tokens = new ArrayList<>();
      int scored = 0;
      for (TokenEvent event : events) {
        if (event instanceof TokenEvent.Token token) {
          tokens.add(token.id());
        }
        scored += event instanceof TokenEvent.Scored ? 1 : 0;
      }
      return new Resume(tokens.stream().mapToInt(t -> t).toArray(), scored);
    }

    int payload() {
      return ended() && failure == null && !gone ? events.size() - 1 : events.size();
    }
  }

  private record Results(long number, List<RowResult> rows) {}

  static GenerationId id(long number) {
    return new GenerationId(0, number);
  }

  Consumer consumer(long id) {
    return consumer(id(id));
  }

  private Consumer consumer(GenerationId id) {
    return Objects.requireNonNull(consumers.get(id), "consumer");
  }

  @Override
  public void send(LinkCommand command) {
    if (command instanceof LinkCommand.Step step) {
      inFlight++;
      steps++;
      mostEntries = Math.max(mostEntries, step.entries());
      assertThat(inFlight).isLessThanOrEqualTo(limits.maxInFlight());
      assertThat(step.rows()).isBetween(1, limits.tokenBudget());
      assertThat(step.logitRows()).isLessThanOrEqualTo(limits.maxLogitRows());
      Set<Integer> seen = new HashSet<>();
      for (int i = 0; i < step.entries(); i++) {
        assertThat(seen.add(step.slot(i))).as("one entry a slot").isTrue();
        assertThat(step.tokenCount(i)).isBetween(1, limits.prefillChunk());
      }
    }
    links.getFirst().addLast(command);
  }

  @Override
  public void deliver(GenerationId request, TokenEvent event) {
    Consumer consumer = consumer(request);
    assertThat(consumer.ended()).as("nothing after the end").isFalse();
    consumer.events.add(event);
    assertThat(consumer.payload()).isLessThanOrEqualTo(consumer.granted);
  }

  @Override
  public void fail(GenerationId request, GenerationException reason) {
    Consumer consumer = consumer(request);
    assertThat(consumer.ended()).as("nothing after the end").isFalse();
    consumer.failure = reason;
  }

  /** Moves one frame by one stage, or hands one result back. False where nothing is under way. */
  boolean advance(BatchScheduler scheduler) {
    now += 1 + random.nextInt(1000);
    List<Integer> busy = new ArrayList<>();
    for (int i = 0; i < links.size(); i++) {
      if (!links.get(i).isEmpty()) {
        busy.add(i);
      }
    }
    if (busy.isEmpty()) {
      return false;
    }
    int from = busy.get(random.nextInt(busy.size()));
    Object frame = links.get(from).removeFirst();
    if (from < limits.stages()) {
      Object out = compute(from, frame);
      links.get(from + 1).addLast(out);
      return true;
    }
    handBack(scheduler, frame);
    return true;
  }

  private void handBack(BatchScheduler scheduler, Object frame) {
    switch (frame) {
      case Results results -> {
        inFlight--;
        scheduler.arrived(results.number(), results.rows());
      }
      case LinkCommand.Close close -> scheduler.closed(close.slot());
      default -> {}
    }
  }

  /**
   * All stages do one step of the same length at the same time; openings and closings take none.
   *
   * @return how many stages had a micro-batch to compute
   */
  int tick(BatchScheduler scheduler) {
    int busy = 0;
    for (int from = limits.stages(); from >= 0; from--) {
      boolean computed = false;
      ArrayDeque<Object> link = links.get(from);
      while (!link.isEmpty() && !(computed && link.peekFirst() instanceof LinkCommand.Step)) {
        Object frame = link.removeFirst();
        if (from == limits.stages()) {
          handBack(scheduler, frame);
        } else {
          computed |= frame instanceof LinkCommand.Step;
          links.get(from + 1).addLast(compute(from, frame));
        }
      }
      busy += computed ? 1 : 0;
    }
    return busy;
  }

  private Object compute(int stage, Object frame) {
    Map<Integer, List<Integer>> cache = caches.get(stage);
    boolean last = stage == limits.stages() - 1;
    return switch (frame) {
      case LinkCommand.Open open -> {
        assertThat(cache.put(open.slot(), new ArrayList<>())).as("slot was free").isNull();
        if (stage == 0) {
          requests.put(open.slot(), open.request());
        }
        yield open;
      }
      case LinkCommand.Close close -> {
        assertThat(cache.remove(close.slot())).as("slot was open").isNotNull();
        if (last) {
          failedSlots.remove(close.slot());
        }
        yield close;
      }
      case LinkCommand.Step step -> {
        int row = 0;
        List<RowResult> results = new ArrayList<>();
        for (int i = 0; i < step.entries(); i++) {
          List<Integer> tokens = Objects.requireNonNull(cache.get(step.slot(i)), "slot is open");
          assertThat(step.startPosition(i)).as("positions follow on").isEqualTo(tokens.size());
          for (int t = 0; t < step.tokenCount(i); t++) {
            tokens.add(step.token(row++));
            if (last && wants(step, i, t)) {
              results.add(result(step.slot(i), tokens));
            }
          }
          if (last && random.nextInt(1000) < failurePerMille) {
            failedSlots.add(step.slot(i));
          }
          if (last && failedSlots.contains(step.slot(i))) {
            int slot = step.slot(i);
            results.removeIf(r -> r.slot() == slot);
            results.add(new RowResult(slot, 0, 0, MicroBatch.SHARD_ERROR, 0, 0, 0, List.of()));
          }
        }
        int pages = cache.values().stream().mapToInt(t -> limits.pages(t.size())).sum();
        assertThat(pages).as("pages in use").isLessThanOrEqualTo(limits.capacityPages());
        yield last ? new Results(step.number(), results) : step;
      }
      default -> throw new AssertionError(frame);
    };
  }

  private static boolean wants(LinkCommand.Step step, int entry, int t) {
    return (step.flags(entry) & MicroBatch.ALL_LOGITS) != 0
        || (step.flags(entry) != 0 && t == step.tokenCount(entry) - 1);
  }

  private RowResult result(int slot, List<Integer> tokens) {
    TokenRequest request = Objects.requireNonNull(requests.get(slot));
    int position = tokens.size() - 1;
    int[] prompt = request.prompt();
    int token =
        position < prompt.length - 1
            ? prompt[position + 1]
            : token(request, tokens, limits.vocabularySize());
    return new RowResult(slot, position, token, 0, 0, token, position, List.of());
  }

  /** The model: a token after these. */
  static int token(TokenRequest request, List<Integer> tokens, int vocabulary) {
    long hash = request.sampling().seed();
    for (int token : tokens) {
      hash = (hash ^ token) * 0x9E3779B97F4A7C15L;
      hash ^= hash >>> 29;
    }
    return (int) Long.remainderUnsigned(hash, vocabulary);
  }

  /** All that was under way is gone. */
  void clear() {
    links.forEach(ArrayDeque::clear);
    caches.forEach(Map::clear);
    failedSlots.clear();
    inFlight = 0;
  }

  /** Slots that some stage still holds something for. */
  int openSlots() {
    return caches.stream().mapToInt(Map::size).sum();
  }

  int inFlight() {
    return inFlight;
  }
}
