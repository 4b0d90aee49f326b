package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.cluster.MemberView;
import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.HeadReport;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeLoad;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.NodeResources;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.coordination.StageLoad;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.coordination.StageReport;
import dev.sluice.actors.placement.KernelRate;
import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.shard.LayerRange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class StatusReportTest {
  private static final NodeId A = new NodeId("10.0.0.1:25520", 1);
  private static final NodeId B = new NodeId("10.0.0.2:25520", 2);
  private static final NodeId C = new NodeId("10.0.0.3:25520", 3);
  private static final KvUsage KV = new KvUsage(3, 12, 32, 3 << 20, 12 << 20);

  private static final EpochPlan PLAN =
      new EpochPlan(
          4,
          "abc",
          PipelineOptions.builder().build().sizes(1, 1, 1),
          List.of(
              new StagePlace(A, DataAddress.NONE, new LayerRange(0, 7)),
              new StagePlace(B, DataAddress.NONE, new LayerRange(7, 22))),
          "because");

  private static NodeReport node(
      NodeId id, Map<String, Long> roundTrips, List<StageReport> stages, NodeLoad load) {
    return new NodeReport(
        id,
        1,
        new NodeResources(
            DataAddress.NONE,
            new NodeOffer(
                id.name(),
                2L << 30,
                4,
                Map.of(GgmlType.Q8_0, new KernelRate(1e9, 5e9)),
                roundTrips),
            "0.1",
            new ModelCard("abc", "mill"),
            null),
        false,
        4,
        PLAN,
        stages,
        HeadReport.NONE,
        load);
  }

  private static StatusReport report() {
    NodeReport a =
        node(
            A,
            Map.of(B.name(), 310_000L, C.name(), 90_000L),
            List.of(StageReport.ready(0, KV, List.of())),
            new NodeLoad(List.of(new StageLoad(0, 0.426, 17, KV)), 2, 1, 8, 90, 70));
    NodeReport b =
        node(
            B,
            Map.of(A.name(), 290_000L),
            List.of(StageReport.loading(1, new FetchProgress(5 << 20, 8 << 20, 1))),
            NodeLoad.NONE);
    NodeReport c = node(C, Map.of(), List.of(), NodeLoad.NONE);
    PipelineState state =
        new PipelineState(4, PipelineState.Status.SERVING, A, "", Duration.ofSeconds(5));
    List<String> roles = List.of("coordinator", "gateway", "shard");
    return new StatusReport(
        new CoordinatorActor.Status(state, PLAN, List.of(a, b, c), List.of()),
        List.of(
            new MemberView(A.name(), roles, "up", true, false),
            new MemberView(B.name(), roles, "up", true, true),
            new MemberView(C.name(), List.of("shard"), "up", true, false),
            new MemberView("10.0.0.9:4000", List.of("gateway"), "up", true, false),
            new MemberView("10.0.0.9:4001", List.of("shard"), "up", false, false)));
  }

  @Test
  void shouldBeATable() {
    assertThat(report().text())
        .isEqualTo(
            """
            epoch 4, serving; 2 running, 1 waiting

            node              roles                      stage  layers  state                         busy  KV cache          memory    cores  model  version
            10.0.0.1:25520 *  coordinator,gateway,shard      0    0..7  ready                          43%  25% of 12.00 MiB  2.00 GiB      4  mill       0.1
            10.0.0.2:25520 +  coordinator,gateway,shard      1   7..22  loading 5.00 MiB of 8.00 MiB                          2.00 GiB      4  mill       0.1
            10.0.0.3:25520    shard                                     spare                                                 2.00 GiB      4  mill       0.1
            10.0.0.9:4000     gateway                                   up
            10.0.0.9:4001     shard                                     does not answer

            link                            round trip
            10.0.0.1:25520  10.0.0.2:25520     0.29 ms
            10.0.0.1:25520  10.0.0.3:25520     0.09 ms
            * has the head, + coordinates
            """);
  }

  @Test
  void shouldBeAnObject() throws IOException {
    JsonNode json = Fixtures.json(Json.object(report()::write));

    assertThat(json.get("status").textValue()).isEqualTo("serving");
    assertThat(json.get("epoch").intValue()).isEqualTo(4);
    assertThat(json.get("head").textValue()).isEqualTo(A.name());
    assertThat(json.get("coordinator").textValue()).isEqualTo(B.name());
    JsonNode a = json.get("nodes").get(0);
    assertThat(a.get("roles").size()).isEqualTo(3);
    assertThat(a.get("version").textValue()).isEqualTo("0.1");
    assertThat(a.get("running").intValue()).isEqualTo(2);
    assertThat(a.get("recoveries").intValue()).isEqualTo(8);
    assertThat(a.get("recomputed_tokens").intValue()).isEqualTo(90);
    assertThat(a.get("replayed_tokens").intValue()).isEqualTo(70);
    assertThat(a.get("speeds").get("q8_0").get("prompt").doubleValue()).isEqualTo(5e9);
    assertThat(a.get("round_trips_seconds").get(B.name()).doubleValue()).isEqualTo(0.00031);
    JsonNode stage = a.get("stages").get(0);
    assertThat(stage.get("end_layer").intValue()).isEqualTo(7);
    assertThat(stage.get("busy_share").doubleValue()).isEqualTo(0.426);
    assertThat(stage.get("kv_bytes_used").longValue()).isEqualTo(3 << 20);
    JsonNode loading = json.get("nodes").get(1).get("stages").get(0);
    assertThat(loading.get("state").textValue()).isEqualTo("loading");
    assertThat(loading.get("fetched_bytes").longValue()).isEqualTo(5 << 20);
    assertThat(json.get("members").get(4).get("reachable").booleanValue()).isFalse();
  }

  @Test
  void shouldBeShownInPlaceOnATerminalAndInARowElsewhere() {
    assertThat(shown(false)).isEqualTo("a\nb\n\nc\n");
    assertThat(shown(true))
        .isEqualTo("\033[H\033[J\033[Ha\033[K\nb\033[K\n\033[J\033[Hc\033[K\n\033[J");
  }

  private static String shown(boolean terminal) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Screen screen = new Screen(new PrintStream(bytes, false, StandardCharsets.UTF_8), terminal);
    assertThat(screen.show("a\nb\n")).isTrue();
    assertThat(screen.show("c\n")).isTrue();
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
