package dev.sluice.actors.scheduling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.KeptPositions;
import dev.sluice.actors.kept.KeptSlot;
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
  private final List<Map<Integer, Held>> caches = new ArrayList<>();
  private final Map<Integer, TokenRequest> requests = new HashMap<>();
  private final Set<Integer> failedSlots = new HashSet<>();

  /** Of these, some stages may have nothing after a loss. */
  private final Set<Integer> lostSlots = new HashSet<>();

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
    }
    for (int i = 0; i < limits.stages(); i++) {
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

  /** What a stage has of a sequence. */
  private static final class Held {
    final long sequence;
    final List<Integer> tokens = new ArrayList<>();
    final CountedPages pages;
    int logged;
    int rebuilt;

    Held(long sequence, CountedPages pages) {
      this.sequence = sequence;
      this.pages = pages;
    }

    void add(int token, Map<Integer, Held> cache) {
      tokens.add(token);
      pages.add(pages(cache));
    }

    void cut(int positions) {
      tokens.subList(positions, tokens.size()).clear();
      pages.cut(positions);
    }

    Held share(long other, int positions) {
      assertThat(tokens).hasSizeGreaterThanOrEqualTo(positions);
      Held held = new Held(other, pages.share(positions));
      held.tokens.addAll(tokens.subList(0, positions));
      return held;
    }

    static List<CountedPages> pages(Map<Integer, Held> cache) {
      return cache.values().stream().map(h -> h.pages).toList();
    }
  }

  /** A replayed micro-batch between two stages. */
  private record Replayed(LinkCommand.Replay replay, boolean rows) {}

  private record Results(long number, List<RowResult> rows) {}

  static GenerationId id(long number) {
    return new GenerationId(number, number);
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
    if (command instanceof LinkCommand.Replay replay) {
      inFlight++;
      assertThat(inFlight).isLessThanOrEqualTo(limits.maxInFlight());
      assertThat(replay.tokenCount()).isBetween(1, limits.tokenBudget());
      links.getFirst().addLast(new Replayed(replay, replay.rows()));
      return;
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
      case LinkCommand.Close close -> {
        lostSlots.remove(close.slot());
        scheduler.closed(close.slot());
      }
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
    Map<Integer, Held> cache = caches.get(stage);
    boolean last = stage == limits.stages() - 1;
    return switch (frame) {
      case LinkCommand.Open open -> {
        if (open.shares()) {
          boolean own = open.sharedFrom() == open.slot();
          assertThat(cache.containsKey(open.slot())).as("slot was taken").isEqualTo(own);
          Held source = held(cache, open.sharedFrom());
          cache.put(open.slot(), source.share(open.kept().sequence(), open.kept().positions()));
        } else {
          open(stage, cache, open.kept());
        }
        if (stage == 0) {
          requests.put(open.slot(), open.request());
        }
        yield open;
      }
      case LinkCommand.Close close -> {
        Held held = cache.remove(close.slot());
        assertThat(held != null || lostSlots.contains(close.slot())).as("slot was open").isTrue();
        if (last) {
          failedSlots.remove(close.slot());
        }
        yield close;
      }
      case LinkCommand.Step step -> {
        int row = 0;
        List<RowResult> results = new ArrayList<>();
        for (int i = 0; i < step.entries(); i++) {
          Held held = held(cache, step.slot(i));
          List<Integer> tokens = held.tokens;
          assertThat(step.startPosition(i)).as("positions follow on").isEqualTo(tokens.size());
          for (int t = 0; t < step.tokenCount(i); t++) {
            held.add(step.token(row++), cache);
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
        assertThat(CountedPages.count(Held.pages(cache)))
            .as("pages in use")
            .isLessThanOrEqualTo(limits.capacityPages());
        yield last ? new Results(step.number(), results) : step;
      }
      case Replayed replayed -> replay(stage, cache, replayed);
      default -> throw new AssertionError(frame);
    };
  }

  private static Held held(Map<Integer, Held> cache, int slot) {
    return Objects.requireNonNull(cache.get(slot), "slot is open");
  }

  private void open(int stage, Map<Integer, Held> cache, KeptSlot kept) {
    Held held = cache.get(kept.slot());
    if (kept.positions() == 0) {
      assertThat(held).as("slot was free").isNull();
    }
    if (kept.positions() == 0 || kept.rebuilds(stage)) {
      held = new Held(kept.sequence(), new CountedPages(limits.pageTokens()));
      cache.put(kept.slot(), held);
    }
    Held present = Objects.requireNonNull(held, "something is kept");
    assertThat(present.sequence).isEqualTo(kept.sequence());
    if (!kept.rebuilds(stage)) {
      assertThat(present.tokens).hasSizeGreaterThanOrEqualTo(kept.positions());
      present.cut(kept.positions());
    }
    present.rebuilt = kept.rebuilt();
  }

  /**
   * A stage that rebuilds gets rows, from the log of the one before or as that one rebuilt them.
   */
  private Object replay(int stage, Map<Integer, Held> cache, Replayed replayed) {
    LinkCommand.Replay replay = replayed.replay();
    Held held = held(cache, replay.slot());
    boolean rebuilds = KeptSlot.rebuilds(held.rebuilt, stage);
    boolean nextRebuilds = KeptSlot.rebuilds(held.rebuilt, stage + 1);
    int end = replay.startPosition() + replay.tokenCount();
    assertThat(replayed.rows()).as("rows for stage %d", stage).isEqualTo(rebuilds);
    for (int i = 0; i < replay.tokenCount(); i++) {
      if (rebuilds) {
        assertThat(held.tokens).hasSize(replay.startPosition() + i);
        held.add(replay.token(i), cache);
      } else {
        assertThat(held.tokens.get(replay.startPosition() + i)).isEqualTo(replay.token(i));
      }
    }
    if (nextRebuilds && !rebuilds) {
      assertThat(held.logged).isGreaterThanOrEqualTo(end);
    }
    return stage == limits.stages() - 1
        ? new Results(replay.number(), List.of())
        : new Replayed(replay, nextRebuilds);
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

  /**
   * All that was under way is gone, and some of the stages; the others have what they had, and logs
   * that reach more or less far back.
   */
  void lose() {
    clearLinks();
    boolean all = random.nextInt(4) == 0;
    for (Map<Integer, Held> cache : caches) {
      if (all || random.nextInt(3) == 0) {
        cache.clear();
      }
      lostSlots.addAll(cache.keySet());
      for (Held held : cache.values()) {
        int size = held.tokens.size();
        held.logged = random.nextInt(3) == 0 ? random.nextInt(size + 1) : size;
      }
    }
  }

  /** What the stages have, when they are put together again. */
  List<KeptSlot> kept() {
    return KeptPositions.of(held());
  }

  /** The same for a head that knows none of the sequences. */
  List<KeptSlot> keptForNewHead() {
    return KeptPositions.forNewHead(held(), limits.pageTokens());
  }

  private List<List<HeldSlot>> held() {
    List<List<HeldSlot>> stages = new ArrayList<>();
    for (Map<Integer, Held> cache : caches) {
      List<HeldSlot> slots = new ArrayList<>();
      cache.forEach(
          (slot, held) ->
              slots.add(new HeldSlot(slot, held.sequence, held.tokens.size(), held.logged)));
      stages.add(slots);
    }
    return stages;
  }

  /** All is gone. */
  void clear() {
    clearLinks();
    caches.forEach(Map::clear);
    lostSlots.clear();
  }

  void clearLinks() {
    links.forEach(ArrayDeque::clear);
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
