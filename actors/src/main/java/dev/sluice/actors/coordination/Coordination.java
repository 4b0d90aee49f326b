package dev.sluice.actors.coordination;

import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.KeptPositions;
import dev.sluice.actors.kept.KeptSlot;
import dev.sluice.actors.placement.PlacementException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides which nodes run the pipeline. A plain state machine, for one thread; it reads time from
 * the clock it is given and does nothing by itself: {@link #tick} must be called now and then.
 *
 * <ul>
 *   <li><b>Epochs.</b> Every change of what nodes are to do has a number, higher than any that a
 *       node has reported. Nodes refuse older ones, so a coordinator that was thought dead changes
 *       nothing.
 *   <li><b>Gathering.</b> It begins by listening. A pipeline that runs whole is adopted as it is;
 *       otherwise one is built. The same happens when reports show that another coordinator was at
 *       work: the higher epoch is right.
 *   <li><b>Loss.</b> An unreachable node, a lost stage or head starts the next epoch at once. When
 *       several in a row did not last there are growing pauses.
 *   <li><b>No placement.</b> Nodes are told to let go, gateways why; what changes is tried at once.
 * </ul>
 */
public final class Coordination {
  /**
   * Losses in a row after which the pipeline is placed anew at once. Some stages may be lost one
   * shortly after the other; the others' weights and what they keep must outlive that.
   */
  private static final int AT_ONCE = 3;

  private enum Phase {
    /** Listens for what runs. */
    GATHERING,
    /** No placement fits. */
    UNAVAILABLE,
    /** Waits before it builds again. */
    PAUSED,
    /** Stages load. */
    BUILDING,
    /** All stages are ready, the head is told. */
    ATTACHING,
    RUNNING,
    GAVE_UP
  }

  private final CoordinationSettings settings;
  private final Placement placement;
  private final LongSupplier clock;
  private final CoordinationOutput output;
  private final KnownNodes nodes = new KnownNodes();

  private Phase phase = Phase.GATHERING;
  private String reason = "the coordinator has just started";
  private long phaseSince;
  private long lastJoin;
  private Duration gather;
  private int attempts;

  private int epoch;
  private @Nullable EpochPlan plan;
  private @Nullable NodeId head;
  private @Nullable Attachment attachment;

  /** Whether the scheduler of the epoch before goes on. */
  private boolean headLives;

  /** The last pipeline that was built, here or before. */
  private @Nullable EpochPlan previous;

  /** With what no placement fitted, and when that was tried. */
  private List<NodeId> triedWith = List.of();

  private long triedAt;

  /** Bytes of weights that stages of this epoch have fetched. */
  private long fetched;

  /** What will be built when weights have come; null unless something runs. */
  private @Nullable PlannedMove move;

  private long movedOn;

  /**
   * A coordinator that knows nothing yet.
   *
   * @param clock nanoseconds, ascending
   */
  public Coordination(
      CoordinationSettings settings,
      Placement placement,
      LongSupplier clock,
      CoordinationOutput output) {
    this.settings = settings;
    this.placement = placement;
    this.clock = clock;
    this.output = output;
    this.gather = settings.gather();
    phaseSince = clock.getAsLong();
    lastJoin = phaseSince;
  }

  /** A node is a member of the cluster; its report may come later. */
  public void joined(NodeId id) {
    nodes.get(id);
  }

  /** A node tells what it does. Reports that were overtaken by later ones are ignored. */
  public void report(NodeReport report) {
    KnownNode node = nodes.find(report.node());
    NodeReport before = node == null ? null : node.report();
    // One that is no member any more may not have heard of it.
    if (node == null || !node.accept(report)) {
      return;
    }
    if (before == null) {
      lastJoin = clock.getAsLong();
    }
    boolean ours = report.epoch() == epoch && Objects.equals(report.plan(), plan);
    if (phase == Phase.GATHERING) {
      decide();
    } else if (ours) {
      onCurrent(node, report);
    } else if (report.epoch() >= epoch && report.epoch() > 0) {
      listen(report.node() + " is in epoch " + report.epoch() + " of another coordinator");
    } else if (phase == Phase.RUNNING && uses(report.node())) {
      lost(report.node() + " has forgotten its part");
    } else if (before == null) {
      order(node);
    }
    if (report.leaving() && (uses(report.node()) || report.node().equals(head))) {
      relieve(report.node());
    }
    tryAgain();
  }

  /** The failure detector says that a node does not answer. */
  public void unreachable(NodeId id) {
    KnownNode node = nodes.get(id);
    if (node.reachable()) {
      node.reachable(false);
      missing(id, id + " is unreachable");
    }
  }

  /** It answers again. */
  public void reachable(NodeId id) {
    KnownNode node = nodes.get(id);
    if (!node.reachable()) {
      node.reachable(true);
      order(node);
      tryAgain();
    }
  }

  /** A node is no member any more. */
  public void gone(NodeId id) {
    if (nodes.remove(id)) {
      missing(id, id + " has gone");
    }
  }

  /**
   * Places the pipeline anew over all nodes that are there, as if none ran.
   *
   * @return what came of it, in a sentence
   */
  public String rebalance() {
    EpochPlan current = plan;
    if (phase != Phase.RUNNING || current == null) {
      return "nothing runs that could be rebalanced: " + reason;
    }
    Placement.Placed placed;
    try {
      placed = placement.rebalance(candidates(), reports(), current);
    } catch (PlacementException e) {
      return "left as it is: " + e.getMessage();
    }
    if (placed.sameAs(current)) {
      return "the layers lie as well as they can already";
    }
    return move(placed, "rebalancing");
  }

  /** At once, or when the nodes have fetched what they lack for it. */
  private String move(Placement.Placed placed, String why) {
    List<StagePlace> lacking = placement.lacking(placed, reports());
    if (lacking.isEmpty()) {
      build(placed, why);
      return "the layers move, in epoch " + epoch + ": " + placed.why();
    }
    move = new PlannedMove(placed, why, clock.getAsLong());
    String waiting = PlannedMove.waiting(lacking);
    output.log(why + ": " + waiting);
    moveOn(lacking, waiting);
    return waiting + ": " + placed.why();
  }

  private void moveOn(List<StagePlace> lacking, String waiting) {
    PlannedMove wanted = Objects.requireNonNull(move);
    movedOn = clock.getAsLong();
    reason = waiting;
    output.announce(state());
    lacking.forEach(stage -> output.fetch(stage, wanted.placed().model()));
  }

  /** Builds what was waited for, when all is there, or when it has taken too long. */
  private void advance() {
    PlannedMove wanted = move;
    long now = clock.getAsLong();
    if (wanted == null || now - movedOn < settings.resend().toNanos()) {
      return;
    }
    List<StagePlace> lacking = placement.lacking(wanted.placed(), reports());
    if (lacking.isEmpty() || now - wanted.since() >= settings.start().toNanos()) {
      build(wanted.placed(), wanted.why());
    } else {
      moveOn(lacking, PlannedMove.waiting(lacking));
    }
  }

  /** A node that was to fetch something for a move cannot. */
  public void cannotFetch(NodeId id, String why) {
    KnownNode node = nodes.find(id);
    if (node != null && move != null && move.uses(id)) {
      node.exclude(clock.getAsLong(), settings.exclusion().toNanos());
      giveUpMove(id + " cannot get its weights: " + why);
    }
  }

  private void giveUpMove(String why) {
    output.log("nothing moves for now: " + why);
    move = null;
    reason = "";
    output.announce(state());
  }

  /** A node that has a part wants to go. */
  private void relieve(NodeId id) {
    PlannedMove wanted = move;
    String why = id + " leaves";
    if (phase != Phase.RUNNING) {
      replace(why);
    } else if (wanted == null || nodes.leavingFrom(wanted)) {
      try {
        move(placement.place(candidates(), reports(), previous), why);
      } catch (PlacementException e) {
        replace(why);
      }
    }
  }

  /**
   * What rebalancing would do, as a question that may be asked on any thread: it takes up to a
   * second.
   *
   * @return throws a {@link PlacementException} where no placement fits
   */
  public Supplier<Outlook> outlook() {
    List<NodeReport> candidates = candidates();
    List<NodeReport> answering = reports();
    EpochPlan last = plan != null ? plan : previous;
    return () -> placement.outlook(candidates, answering, last);
  }

  /** Time has passed. */
  public void tick() {
    switch (phase) {
      case GATHERING -> decide();
      case UNAVAILABLE -> tryAgain();
      case PAUSED -> {
        if (elapsed(pause())) {
          place(reason);
        }
      }
      case BUILDING -> {
        if (elapsed(settings.start())) {
          lost("not every stage was ready within " + settings.start().toSeconds() + " s");
        }
      }
      case ATTACHING -> {
        if (elapsed(settings.attach())) {
          lost("the head did not take over within " + settings.attach().toSeconds() + " s");
        }
      }
      case RUNNING -> advance();
      case GAVE_UP -> {}
    }
    if (phase != Phase.GATHERING) {
      nodes.all().forEach(this::resend);
    }
  }

  /** What gateways are told. */
  public PipelineState state() {
    PipelineState.Status status =
        switch (phase) {
          case RUNNING -> PipelineState.Status.SERVING;
          case GATHERING, BUILDING, ATTACHING -> PipelineState.Status.BUILDING;
          case PAUSED ->
              attempts > settings.maxAttempts()
                  ? PipelineState.Status.UNAVAILABLE
                  : PipelineState.Status.BUILDING;
          case UNAVAILABLE -> PipelineState.Status.UNAVAILABLE;
          case GAVE_UP -> PipelineState.Status.CLOSED;
        };
    return new PipelineState(epoch, status, head, reason, settings.retryAfter());
  }

  /**
   * Whether it is still finding out what runs: for a bounded time, and {@link #state} is a guess.
   */
  public boolean gathers() {
    return phase == Phase.GATHERING;
  }

  /** The pipeline that runs or is being built; null for none. */
  public @Nullable EpochPlan plan() {
    return plan;
  }

  /** The last reports of the nodes that answer, ascending by id. */
  public List<NodeReport> reports() {
    return nodes.reports();
  }

  /** The nodes that do not answer, ascending. */
  public List<NodeId> unreachable() {
    return nodes.unreachable();
  }

  private boolean uses(NodeId id) {
    EpochPlan current = plan;
    return current != null && current.uses(id);
  }

  private boolean elapsed(Duration limit) {
    return clock.getAsLong() - phaseSince >= limit.toNanos();
  }

  private Duration pause() {
    return attempts > settings.maxAttempts()
        ? settings.retryAfter()
        : settings.pause().multipliedBy(1L << Math.max(0, attempts - 2));
  }

  private List<NodeReport> candidates() {
    return nodes.candidates(clock.getAsLong());
  }

  private void enter(Phase next, String why) {
    phase = next;
    move = null;
    phaseSince = clock.getAsLong();
    reason = why;
    output.announce(state());
  }

  /** Looks at what runs, as at the beginning. */
  private void listen(String why) {
    // Two coordinators that hear of each other must not go on in step.
    gather = settings.gather().plusMillis(Math.floorMod(why.hashCode(), 1_000));
    enter(Phase.GATHERING, why);
    decide();
  }

  /** Adopts what runs whole, or builds when it is clear that nothing does. */
  private void decide() {
    Adoption found = Adoption.of(nodes);
    EpochPlan theirs = found.plan();
    boolean build =
        switch (found.verdict()) {
          // With those that answer late the next one is as good as can be, and has one epoch less.
          case BROKEN -> found.heardAll() || elapsed(gather.dividedBy(3));
          case NONE -> !nodes.isEmpty() || elapsed(gather);
          case OPEN -> elapsed(gather);
          case RUNS, STARTS -> {
            adopt(found);
            yield false;
          }
        };
    if (!build) {
      return;
    }
    epoch = Math.max(epoch, found.highestEpoch());
    plan = null;
    if (theirs != null) {
      previous = theirs;
    }
    head = nodes.withHead(theirs);
    replace(reason);
  }

  private void adopt(Adoption found) {
    EpochPlan theirs = Objects.requireNonNull(found.plan());
    plan = theirs;
    previous = theirs;
    epoch = theirs.epoch();
    head = theirs.head();
    headLives = false;
    attachment = null;
    if (found.verdict() == Adoption.Verdict.RUNS) {
      output.log("epoch " + epoch + " runs already: adopted");
      enter(Phase.RUNNING, "");
    } else {
      enter(Phase.BUILDING, reason);
      attachWhenReady();
    }
    if (nodes.leavingFrom(theirs)) {
      replace("a node leaves");
    }
  }

  private void onCurrent(KnownNode node, NodeReport report) {
    for (StageReport stage : report.stages()) {
      switch (stage.state()) {
        case FAILED -> {
          node.exclude(clock.getAsLong(), settings.exclusion().toNanos());
          lost(stage.reason());
          return;
        }
        case LOST -> {
          lost(stage.reason());
          return;
        }
        case LOADING, READY -> {}
      }
    }
    if (phase == Phase.BUILDING) {
      awaitWeights();
    }
    HeadReport scheduler = report.head();
    boolean isHead = report.node().equals(head);
    if (isHead && scheduler.failedEpoch() == epoch) {
      lost(scheduler.reason());
    } else if (phase == Phase.BUILDING) {
      attachWhenReady();
    } else if (phase == Phase.ATTACHING && isHead && scheduler.attachedEpoch() == epoch) {
      run();
    }
  }

  /** As long as weights come, the time that stages have to be ready begins anew. */
  private void awaitWeights() {
    long sum = nodes.fetched(epoch);
    if (sum > fetched) {
      phaseSince = clock.getAsLong();
    }
    fetched = sum;
  }

  private void attachWhenReady() {
    EpochPlan current = Objects.requireNonNull(plan);
    List<StageReport> ready = new ArrayList<>();
    for (int i = 0; i < current.stages().size(); i++) {
      StageReport stage = nodes.ready(current, i);
      if (stage == null) {
        return;
      }
      ready.add(stage);
    }
    int pages = ready.stream().mapToInt(s -> s.kv().totalPages()).min().orElse(0);
    attachment = new Attachment(pages, ready.getFirst().kv().pageTokens(), kept(ready));
    current.stages().forEach(s -> nodes.get(s.node()).forgive());
    enter(Phase.ATTACHING, reason);
    order(nodes.get(current.head()));
  }

  private List<KeptSlot> kept(List<StageReport> ready) {
    List<List<HeldSlot>> held = ready.stream().map(StageReport::held).toList();
    return headLives
        ? KeptPositions.of(held)
        : KeptPositions.forNewHead(held, ready.getFirst().kv().pageTokens());
  }

  private void run() {
    EpochPlan current = Objects.requireNonNull(plan);
    previous = current;
    output.log("epoch " + epoch + " runs: " + current.why());
    enter(Phase.RUNNING, "");
  }

  /** A node cannot be reached, or is no member any more. */
  private void missing(NodeId id, String why) {
    boolean part = uses(id) || id.equals(head);
    if (id.equals(head)) {
      head = null;
    }
    if (!part && move != null && move.uses(id)) {
      giveUpMove(why);
    }
    switch (phase) {
      case GATHERING -> decide();
      case BUILDING, ATTACHING, RUNNING -> {
        if (part) {
          output.log("epoch " + epoch + " is lost: " + why);
          replace(why);
        }
      }
      case UNAVAILABLE, PAUSED -> {
        if (part) {
          output.announce(state());
        }
      }
      case GAVE_UP -> {}
    }
  }

  /** A part of the epoch is lost, and not because its node is. */
  private void lost(String why) {
    if (phase != Phase.BUILDING && phase != Phase.ATTACHING && phase != Phase.RUNNING) {
      return;
    }
    output.log("epoch " + epoch + " is lost: " + why);
    boolean lasted = phase == Phase.RUNNING && elapsed(settings.lasting());
    attempts = lasted ? 1 : attempts + 1;
    if (settings.standalone() && previous == null) {
      dissolve(Phase.GAVE_UP, why);
    } else if (attempts > settings.maxAttempts()) {
      String text =
          "the pipeline was lost " + settings.maxAttempts() + " times in a row, the last time: ";
      dissolve(settings.standalone() ? Phase.GAVE_UP : Phase.PAUSED, text + why);
    } else if (attempts > AT_ONCE) {
      dissolve(Phase.PAUSED, why);
    } else {
      replace(why);
    }
  }

  /** Places the pipeline anew, unless that waits for something else. */
  private void replace(String why) {
    if (phase != Phase.GAVE_UP && phase != Phase.PAUSED) {
      place(why);
    }
  }

  private void place(String why) {
    List<NodeReport> candidates = candidates();
    triedWith = candidates.stream().map(NodeReport::node).toList();
    triedAt = clock.getAsLong();
    int missing = previous == null ? settings.minNodes() - nodes.present() : 0;
    if (missing > 0) {
      unavailable("waiting for " + missing + " more of " + settings.minNodes() + " nodes");
      return;
    }
    if (previous == null && clock.getAsLong() - lastJoin < settings.settle().toNanos()) {
      triedWith = List.of();
      unavailable("waiting for more nodes, for a moment");
      return;
    }
    try {
      build(placement.place(candidates, reports(), previous), why);
    } catch (PlacementException e) {
      unavailable((why.isEmpty() ? "" : why + "; ") + e.getMessage());
    }
  }

  private void build(Placement.Placed placed, String why) {
    epoch++;
    EpochPlan next = placed.inEpoch(epoch);
    NodeReport before = nodes.get(next.head()).report();
    headLives = next.head().equals(head) && before != null && before.head().present();
    plan = next;
    head = next.head();
    attachment = null;
    fetched = 0;
    enter(Phase.BUILDING, why);
    nodes.all().forEach(this::order);
  }

  private void unavailable(String why) {
    NodeId keeper = head;
    boolean relieves = keeper != null && nodes.get(keeper).leaving();
    if (phase != Phase.UNAVAILABLE || relieves) {
      dissolve(Phase.UNAVAILABLE, why);
    } else if (!why.equals(reason)) {
      enter(Phase.UNAVAILABLE, why);
    }
  }

  /** Nodes let go of their stages; the scheduler stays, unless its node wants to leave. */
  private void dissolve(Phase next, String why) {
    if (epoch > 0) {
      epoch++;
    }
    plan = null;
    attachment = null;
    NodeId keeper = head;
    if (keeper != null && nodes.get(keeper).leaving()) {
      head = null;
    }
    output.log(why);
    enter(next, why);
    nodes.all().forEach(this::order);
  }

  /** Where no placement fitted: tries it when the nodes are others than then, and now and then. */
  private void tryAgain() {
    if (phase == Phase.UNAVAILABLE
        && (clock.getAsLong() - triedAt >= settings.resend().toNanos()
            || !triedWith.equals(candidates().stream().map(NodeReport::node).toList()))) {
      place("");
    }
  }

  private void order(KnownNode node) {
    if (epoch > 0 && phase != Phase.GATHERING && node.reachable() && node.report() != null) {
      node.ordered(clock.getAsLong());
      output.order(node.id(), new NodeOrder(epoch, plan, head, reason, attachment));
    }
  }

  private void resend(KnownNode node) {
    NodeReport report = node.report();
    boolean waiting =
        report != null
            && (report.epoch() < epoch || (phase == Phase.ATTACHING && node.id().equals(head)));
    if (waiting && node.orderedBefore(clock.getAsLong(), settings.resend().toNanos())) {
      order(node);
    }
  }
}
