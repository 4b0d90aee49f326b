package dev.sluice.actors.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.TinyModel;
import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.HeadReport;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeLoad;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.NodeResources;
import dev.sluice.actors.coordination.Outlook;
import dev.sluice.actors.coordination.Placement.Placed;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.actors.placement.StagePlan;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelPlacementTest {
  private static final int CONTEXT = 100;
  private static final int STREAMS = 4;
  private static final long LOG = 1 << 20;
  private static final long PLENTY = 1L << 40;

  @TempDir private Path folder = Path.of("");
  private ModelFootprint footprint;

  @BeforeEach
  void weigh() {
    try (GgufFile file = GgufFile.open(TinyModel.write(folder, 6, GgmlType.Q8_0, 1))) {
      footprint = ModelFootprint.of(file);
    }
  }

  private static NodeReport node(String name, long memory) {
    return new NodeReport(
        new NodeId(name, 1),
        1,
        new NodeResources(DataAddress.NONE, NodeOffer.unmeasured(name, memory, 1), "", null, null),
        false,
        0,
        null,
        List.of(),
        HeadReport.NONE,
        NodeLoad.NONE);
  }

  private ModelPlacement over(int stages, NodeReport... nodes) {
    PipelineOptions options =
        PipelineOptions.builder()
            .contextTokens(CONTEXT)
            .maxSequences(STREAMS)
            .activationLog(new LogLimits(LOG, 0))
            .build();
    return new ModelPlacement("content", footprint, List.of(nodes), stages, options);
  }

  @Test
  void shouldMakeRoomForAllStreams() {
    Placed placed = over(2, node("a", PLENTY), node("b", PLENTY)).place(null);

    assertThat(placed.stages()).hasSize(2);
    assertThat(placed.sizes().kvTokens()).isEqualTo(CONTEXT * STREAMS);
    assertThat(placed.why()).doesNotContain("requests beyond wait");
  }

  @Test
  void shouldMakeWhatRoomThereIsAndSaySo() {
    StagePlan all = over(1, node("a", PLENTY)).outlook(null).best().stages().getFirst().plan();
    long fixed = all.weightBytes() + all.bufferBytes();
    long memory = fixed + all.kvBytesPerToken() * CONTEXT * 3 / 2;

    Placed placed = over(1, node("a", memory)).place(null);

    assertThat(placed.sizes().kvTokens()).isEqualTo(CONTEXT * 3 / 2);
    assertThat(placed.why())
        .contains("4 streams of 100 tokens would need room for 400: requests beyond wait.");
    long tooLittle = fixed + all.kvBytesPerToken() * (CONTEXT - 1);
    assertThatThrownBy(() -> over(1, node("a", tooLittle)).place(null))
        .isInstanceOf(PlacementException.class)
        .hasMessageContaining("node a lacks " + all.kvBytesPerToken() + " bytes");
  }

  @Test
  void shouldCountTheLogOfActivations() {
    List<StagePlan> stages =
        over(2, node("a", PLENTY), node("b", PLENTY)).outlook(null).best().stages().stream()
            .map(stage -> stage.plan())
            .toList();

    assertThat(stages.getFirst().bufferBytes()).isGreaterThan(LOG);
    assertThat(stages.getLast().bufferBytes()).as("nobody comes after it").isLessThan(LOG);
  }

  @Test
  void shouldUseANodeThatHasJoinedOnlyWhenItIsRebalanced() {
    NodeReport a = node("a", PLENTY);
    NodeReport b = node("b", PLENTY);
    NodeReport c = node("c", PLENTY);
    EpochPlan running = inEpoch(over(3, a, b).place(null));
    assertThat(running.stages()).hasSize(2);

    Placed later = over(0, a, b, c).place(running);
    assertThat(later.stages()).isEqualTo(running.stages());

    ModelPlacement three = over(3, a, b, c);
    Outlook outlook = three.outlook(running);
    assertThat(outlook.model()).isEqualTo("tiny: llama, 6 layers");
    assertThat(outlook.kvTokens()).isEqualTo(CONTEXT * STREAMS);
    assertThat(outlook.running()).isNotNull();
    assertThat(outlook.moves()).isTrue();
    Placed moved = three.rebalance(running);
    assertThat(moved.stages()).extracting(StagePlace::node).contains(c.node());
    assertThat(three.outlook(inEpoch(moved)).moves()).isFalse();
  }

  private static EpochPlan inEpoch(Placed placed) {
    return new EpochPlan(3, placed.model(), placed.sizes(), placed.stages(), placed.why());
  }
}
