package dev.sluice.ops;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.cluster.MemberView;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.coordination.StageLoad;
import dev.sluice.actors.coordination.StageReport;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The state of a cluster as people and machines read it.
 *
 * @param status what the coordinator knows
 * @param members the processes, without the one that asks
 */
record StatusReport(CoordinatorActor.Status status, List<MemberView> members) {
  /** Links that a table shows; {@code --json} has all of them. */
  private static final int MOST_LINKS = 16;

  private static final Comparator<List<String>> LINK_ORDER =
      Comparator.<List<String>, String>comparing(List::getFirst).thenComparing(List::getLast);

  private static final String[] HEADINGS = {
    "node",
    "roles",
    "stage",
    "layers",
    "state",
    "busy",
    "KV cache",
    "memory",
    "cores",
    "model",
    "version"
  };

  StatusReport {
    members = List.copyOf(members);
  }

  /** As a table: lines that end in newlines. */
  String text() {
    StringBuilder text = new StringBuilder(title());
    TextTable table = new TextTable(HEADINGS);
    for (NodeReport node : status.nodes()) {
      addNode(table, node);
    }
    for (MemberView member : members) {
      boolean told =
          status.nodes().stream().anyMatch(n -> n.node().name().equals(member.address()));
      if (!told) {
        String state = member.reachable() ? member.status() : "does not answer";
        table.row(name(member.address()), roles(member.address()), "", "", state);
      }
    }
    text.append(table);
    List<Link> links = links();
    if (!links.isEmpty()) {
      TextTable trips = new TextTable("link", "", "round trip");
      links.stream().limit(MOST_LINKS).forEach(l -> trips.row(l.from, l.to, millis(l.nanos)));
      text.append('\n').append(trips);
      if (links.size() > MOST_LINKS) {
        text.append("… and ").append(links.size() - MOST_LINKS).append(" more\n");
      }
    }
    return text.append("* has the head, + coordinates\n").toString();
  }

  private String title() {
    PipelineState state = status.state();
    int running = status.nodes().stream().mapToInt(n -> n.load().running()).sum();
    int waiting = status.nodes().stream().mapToInt(n -> n.load().waiting()).sum();
    return String.format(
        Locale.ROOT,
        "epoch %d, %s%s; %d running, %d waiting%n%n",
        state.epoch(),
        state.status().name().toLowerCase(Locale.ROOT),
        state.reason().isEmpty() ? "" : ": " + state.reason(),
        running,
        waiting);
  }

  /** A row for each stage, the first one with the node's own figures. */
  private void addNode(TextTable table, NodeReport node) {
    String name = node.node().name();
    var offer = node.resources().offer();
    ModelCard model = node.resources().model();
    List<String> own =
        List.of(
            Bytes.text(offer.memoryBytes()),
            Integer.toString(offer.cores()),
            model == null ? "-" : model.name(),
            node.resources().version());
    if (node.stages().isEmpty()) {
      String state = node.leaving() ? "leaving" : "spare";
      addRow(table, own, name(name), roles(name), "", "", state, "", "");
    }
    boolean first = true;
    for (StageReport stage : node.stages()) {
      Optional<StageLoad> load = load(node, stage);
      addRow(
          table,
          first ? own : List.of(),
          first ? name(name) : "",
          first ? roles(name) : "",
          Integer.toString(stage.stage()),
          layers(node, stage).map(LayerRange::toString).orElse(""),
          node.leaving() ? "leaving" : state(stage),
          load.map(l -> percent(l.busyShare())).orElse(""),
          load.map(l -> kv(l.kv())).orElse(""));
      first = false;
    }
  }

  private static void addRow(TextTable table, List<String> last, String... first) {
    List<String> cells = new ArrayList<>(List.of(first));
    cells.addAll(last);
    table.row(cells.toArray(String[]::new));
  }

  private String name(String address) {
    var head = status.state().head();
    boolean isHead = head != null && head.name().equals(address);
    return address + (isHead ? " *" : "") + (coordinates(address) ? " +" : "");
  }

  private boolean coordinates(String address) {
    return members.stream().anyMatch(m -> m.coordinates() && m.address().equals(address));
  }

  private List<String> rolesOf(String address) {
    return members.stream()
        .filter(m -> m.address().equals(address))
        .findFirst()
        .map(MemberView::roles)
        .orElse(List.of());
  }

  private String roles(String address) {
    return String.join(",", rolesOf(address));
  }

  private static String state(StageReport stage) {
    FetchProgress fetch = stage.fetch();
    String state = stage.state().name().toLowerCase(Locale.ROOT);
    return fetch == null
        ? state
        : state + " " + Bytes.text(fetch.done()) + " of " + Bytes.text(fetch.total());
  }

  private static String kv(KvUsage kv) {
    return kv.totalBytes() == 0
        ? ""
        : percent((double) kv.usedBytes() / kv.totalBytes()) + " of " + Bytes.text(kv.totalBytes());
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f%%", 100 * share);
  }

  private static String millis(long nanos) {
    return String.format(Locale.ROOT, "%.2f ms", nanos / 1e6);
  }

  private static Optional<StageLoad> load(NodeReport node, StageReport stage) {
    return node.load().stages().stream().filter(l -> l.stage() == stage.stage()).findFirst();
  }

  private static Optional<LayerRange> layers(NodeReport node, StageReport stage) {
    EpochPlan plan = node.plan();
    return plan == null || stage.stage() >= plan.stages().size()
        ? Optional.empty()
        : Optional.of(plan.stages().get(stage.stage()).range());
  }

  private record Link(String from, String to, long nanos) {}

  /** Of each pair of nodes the better figure, the pipeline's own links first. */
  private List<Link> links() {
    Map<List<String>, Long> trips = new TreeMap<>(LINK_ORDER);
    for (NodeReport node : status.nodes()) {
      String from = node.node().name();
      node.resources()
          .offer()
          .roundTripNanos()
          .forEach((to, nanos) -> trips.merge(pair(from, to), nanos, Math::min));
    }
    List<List<String>> hops = hops();
    List<Link> links = new ArrayList<>();
    trips.forEach((pair, nanos) -> links.add(new Link(pair.getFirst(), pair.getLast(), nanos)));
    links.sort(Comparator.comparing(link -> !hops.contains(pair(link.from, link.to))));
    return links;
  }

  private static List<String> pair(String a, String b) {
    return a.compareTo(b) <= 0 ? List.of(a, b) : List.of(b, a);
  }

  private List<List<String>> hops() {
    EpochPlan plan = status.plan();
    if (plan == null) {
      return List.of();
    }
    List<List<String>> hops = new ArrayList<>();
    int count = plan.stages().size();
    for (int i = 0; i < count; i++) {
      String from = plan.stages().get(i).node().name();
      hops.add(pair(from, plan.stages().get((i + 1) % count).node().name()));
    }
    return hops;
  }

  /** As the fields of an object. */
  void write(JsonGenerator json) throws IOException {
    PipelineState state = status.state();
    json.writeStringField("status", state.status().name().toLowerCase(Locale.ROOT));
    json.writeNumberField("epoch", state.epoch());
    json.writeStringField("reason", state.reason());
    json.writeStringField("head", state.head() == null ? null : state.head().name());
    json.writeStringField("coordinator", coordinator());
    json.writeArrayFieldStart("nodes");
    for (NodeReport node : status.nodes()) {
      writeNode(json, node);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("members");
    for (MemberView member : members) {
      json.writeStartObject();
      json.writeStringField("node", member.address());
      writeRoles(json, member.roles());
      json.writeStringField("status", member.status());
      json.writeBooleanField("reachable", member.reachable());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("unreachable");
    for (var node : status.unreachable()) {
      json.writeString(node.name());
    }
    json.writeEndArray();
  }

  private @Nullable String coordinator() {
    return members.stream()
        .filter(MemberView::coordinates)
        .map(MemberView::address)
        .findFirst()
        .orElse(null);
  }

  private static void writeRoles(JsonGenerator json, List<String> roles) throws IOException {
    json.writeArrayFieldStart("roles");
    for (String role : roles) {
      json.writeString(role);
    }
    json.writeEndArray();
  }

  private void writeNode(JsonGenerator json, NodeReport node) throws IOException {
    var offer = node.resources().offer();
    json.writeStartObject();
    json.writeStringField("node", node.node().name());
    json.writeStringField("version", node.resources().version());
    writeRoles(json, rolesOf(node.node().name()));
    json.writeNumberField("memory_bytes", offer.memoryBytes());
    json.writeNumberField("cores", offer.cores());
    json.writeObjectFieldStart("speeds");
    for (var speed : new TreeMap<>(offer.speeds()).entrySet()) {
      json.writeObjectFieldStart(speed.getKey().name().toLowerCase(Locale.ROOT));
      json.writeNumberField("decode", speed.getValue().decode());
      json.writeNumberField("prompt", speed.getValue().prompt());
      json.writeEndObject();
    }
    json.writeEndObject();
    json.writeObjectFieldStart("round_trips_seconds");
    for (var trip : new TreeMap<>(offer.roundTripNanos()).entrySet()) {
      json.writeNumberField(trip.getKey(), trip.getValue() / 1e9);
    }
    json.writeEndObject();
    json.writeBooleanField("leaving", node.leaving());
    ModelCard model = node.resources().model();
    json.writeStringField("model", model == null ? null : model.content());
    json.writeNumberField("epoch", node.epoch());
    json.writeNumberField("running", node.load().running());
    json.writeNumberField("waiting", node.load().waiting());
    json.writeNumberField("recoveries", node.load().recoveries());
    json.writeNumberField("recomputed_tokens", node.load().recomputedTokens());
    json.writeNumberField("replayed_tokens", node.load().replayedTokens());
    json.writeArrayFieldStart("stages");
    for (StageReport stage : node.stages()) {
      writeStage(json, node, stage);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void writeStage(JsonGenerator json, NodeReport node, StageReport stage)
      throws IOException {
    json.writeStartObject();
    json.writeNumberField("stage", stage.stage());
    Optional<LayerRange> layers = layers(node, stage);
    if (layers.isPresent()) {
      json.writeNumberField("first_layer", layers.get().first());
      json.writeNumberField("end_layer", layers.get().end());
    }
    json.writeStringField("state", stage.state().name().toLowerCase(Locale.ROOT));
    json.writeStringField("reason", stage.reason());
    FetchProgress fetch = stage.fetch();
    if (fetch != null) {
      json.writeNumberField("fetched_bytes", fetch.done());
      json.writeNumberField("fetch_bytes", fetch.total());
    }
    Optional<StageLoad> load = load(node, stage);
    json.writeNumberField("busy_share", load.map(StageLoad::busyShare).orElse(0.0));
    KvUsage kv = load.map(StageLoad::kv).orElse(stage.kv());
    json.writeNumberField("kv_pages_used", kv.usedPages());
    json.writeNumberField("kv_pages", kv.totalPages());
    json.writeNumberField("kv_bytes_used", kv.usedBytes());
    json.writeNumberField("kv_bytes", kv.totalBytes());
    json.writeEndObject();
  }
}
