package dev.sluice.ops;

import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.cluster.MemberView;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.coordination.StageLoad;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.coordination.StageReport;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.ops.serve.model.PipelineView;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/** A cluster as the server's page shows it. */
final class ClusterView {
  private final CoordinatorActor.Status status;
  private final List<MemberView> members;

  private ClusterView(CoordinatorActor.Status status, List<MemberView> members) {
    this.status = status;
    this.members = members;
  }

  /**
   * The view.
   *
   * @param members the processes, as this one knows them
   */
  static PipelineView of(CoordinatorActor.Status status, List<MemberView> members) {
    return new ClusterView(status, members).view();
  }

  private PipelineView view() {
    PipelineState state = status.state();
    EpochPlan plan = status.plan();
    List<StagePlace> places = plan == null ? List.of() : plan.stages();
    List<PipelineView.Node> nodes = new ArrayList<>();
    for (NodeReport node : status.nodes()) {
      nodes.add(node(node));
    }
    for (NodeId lost : status.unreachable()) {
      nodes.add(new PipelineView.Node(lost.name(), 0, 0, List.of(), "unreachable"));
    }
    List<PipelineView.Stage> stages = new ArrayList<>();
    for (int i = 0; i < places.size(); i++) {
      stages.add(stage(i, places.get(i)));
    }
    return new PipelineView(
        state(state.status()),
        state.reason(),
        state.epoch(),
        plan == null ? "" : plan.why(),
        status.nodes().stream().mapToInt(n -> n.load().running()).sum(),
        status.nodes().stream().mapToInt(n -> n.load().waiting()).sum(),
        nodes,
        stages,
        links(places));
  }

  private static PipelineView.State state(PipelineState.Status status) {
    return switch (status) {
      case SERVING -> PipelineView.State.SERVING;
      case BUILDING -> PipelineView.State.BUILDING;
      case UNAVAILABLE -> PipelineView.State.UNAVAILABLE;
      case CLOSED -> PipelineView.State.CLOSED;
    };
  }

  private PipelineView.Node node(NodeReport node) {
    String name = node.node().name();
    List<String> roles = new ArrayList<>();
    if (node.node().equals(status.state().head())) {
      roles.add("head");
    }
    if (members.stream().anyMatch(m -> m.coordinates() && m.address().equals(name))) {
      roles.add("coordinator");
    }
    var offer = node.resources().offer();
    return new PipelineView.Node(
        name, offer.cores(), offer.memoryBytes(), roles, node.leaving() ? "leaving" : "up");
  }

  private PipelineView.Stage stage(int index, StagePlace place) {
    Optional<NodeReport> node = report(place.node());
    Optional<StageReport> stage =
        node.flatMap(n -> n.stages().stream().filter(s -> s.stage() == index).findFirst());
    Optional<StageLoad> load =
        node.flatMap(n -> n.load().stages().stream().filter(s -> s.stage() == index).findFirst());
    Optional<KvUsage> kv = load.map(StageLoad::kv).or(() -> stage.map(StageReport::kv));
    Optional<FetchProgress> fetch = stage.flatMap(s -> Optional.ofNullable(s.fetch()));
    return new PipelineView.Stage(
        place.node().name(),
        place.range().first(),
        place.range().end(),
        stage.map(s -> s.state().name().toLowerCase(Locale.ROOT)).orElse("lost"),
        load.map(StageLoad::busyShare).orElse(0.0),
        load.map(StageLoad::microBatches).orElse(0L),
        kv.map(KvUsage::usedBytes).orElse(0L),
        kv.map(KvUsage::totalBytes).orElse(0L),
        fetch.map(FetchProgress::done).orElse(0L),
        fetch.map(FetchProgress::total).orElse(0L));
  }

  private Optional<NodeReport> report(NodeId id) {
    return status.nodes().stream().filter(n -> n.node().equals(id)).findFirst();
  }

  private List<PipelineView.Link> links(List<StagePlace> places) {
    List<PipelineView.Link> links = new ArrayList<>();
    for (int from = 0; from < places.size() && places.size() > 1; from++) {
      int to = (from + 1) % places.size();
      NodeId here = places.get(from).node();
      NodeId there = places.get(to).node();
      links.add(
          new PipelineView.Link(
              from, to, PipelineView.Link.Kind.ROUND_TRIP, roundTrip(here, there)));
    }
    return links;
  }

  /** The better of what both have measured. */
  private OptionalLong roundTrip(NodeId a, NodeId b) {
    return a.equals(b)
        ? OptionalLong.empty()
        : LongStream.concat(measured(a, b), measured(b, a)).min();
  }

  private LongStream measured(NodeId from, NodeId to) {
    Long nanos =
        report(from).map(n -> n.resources().offer().roundTripNanos().get(to.name())).orElse(null);
    return nanos == null ? LongStream.empty() : LongStream.of(nanos);
  }
}
