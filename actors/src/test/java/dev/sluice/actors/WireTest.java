package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.serialization.Serialization;
import akka.serialization.SerializationExtension;
import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.coordination.Attachment;
import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.HeadReport;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeLoad;
import dev.sluice.actors.coordination.NodeOrder;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.NodeResources;
import dev.sluice.actors.coordination.Outlook;
import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.coordination.StageLoad;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.coordination.StageReport;
import dev.sluice.actors.coordination.StoredLayers;
import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.KeptSlot;
import dev.sluice.actors.placement.ClusterPlan;
import dev.sluice.actors.placement.FakePlans;
import dev.sluice.actors.placement.KernelRate;
import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.actors.scheduling.Resume;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.stages.sampling.TokenLogit;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Every message between nodes is written and read again, and is what it was. */
final class WireTest {
  private static final ActorTestKit KIT =
      ActorTestKit.create(
          ConfigFactory.parseString("akka.actor.provider = local")
              .withFallback(ConfigFactory.parseResources("sluice-cluster.conf"))
              .withFallback(ConfigFactory.defaultReferenceUnresolved())
              .resolve());

  private static final NodeId NODE = new NodeId("10.0.0.1:25520", -7_000_000_000_000_000_000L);
  private static final GenerationId ID = new GenerationId(Long.MIN_VALUE, 3);
  private static final EpochPlan PLAN =
      new EpochPlan(
          7,
          "abc",
          new PipelineSizes(
              1,
              2,
              3,
              4,
              KvType.F16,
              5,
              6,
              7,
              8,
              9,
              10,
              11,
              Duration.ofMillis(1500),
              Duration.ofSeconds(2),
              true,
              false),
          List.of(new StagePlace(NODE, new DataAddress("10.0.0.1", 40_000), new LayerRange(0, 3))),
          "because");

  @AfterAll
  static void end() {
    KIT.shutdownTestKit();
  }

  private static <T> T copy(T message) {
    Serialization serialization =
        SerializationExtension.get(akka.actor.typed.javadsl.Adapter.toClassic(KIT.system()));
    assertThat(serialization.findSerializerFor(message).getClass().getSimpleName())
        .isEqualTo("JacksonCborSerializer");
    byte[] bytes = serialization.serialize(message).get();
    @SuppressWarnings("unchecked")
    Class<T> type = (Class<T>) message.getClass();
    return serialization.deserialize(bytes, type).get();
  }

  private static void assertSurvives(Object message) {
    assertThat(copy(message)).isEqualTo(message);
  }

  @Test
  void shouldCarryOrdersAndReports() {
    TestProbe<NodeActor.Command> node = KIT.createTestProbe(NodeActor.Command.class);
    TestProbe<SchedulerActor.Command> head = KIT.createTestProbe(SchedulerActor.Command.class);
    assertSurvives(new NodeActor.Order(new NodeOrder(7, PLAN, NODE, "why", null)));
    Attachment attachment = new Attachment(5, 32, List.of(new KeptSlot(1, 2, 3, 4)));
    assertSurvives(new NodeActor.Order(new NodeOrder(8, null, null, "", attachment)));
    NodeReport report =
        new NodeReport(
            NODE,
            3,
            new NodeResources(
                DataAddress.NONE,
                new NodeOffer(
                    "n", 5, 2, Map.of(GgmlType.Q4_0, new KernelRate(1, 2)), Map.of("m", 3L)),
                "0.1",
                new ModelCard("abc", "name"),
                new StoredLayers("abc", List.of(new LayerRange(0, 2)))),
            true,
            7,
            PLAN,
            List.of(
                StageReport.loading(1, new FetchProgress(5, 6, 2)),
                StageReport.ready(
                    0, new KvUsage(1, 2, 3, 4, 5), List.of(new HeldSlot(1, 2, 3, 4)))),
            new HeadReport(true, 7, 6, "lost"),
            new NodeLoad(
                List.of(new StageLoad(0, 0.3, 17, new KvUsage(1, 2, 3, 4, 5))), 2, 1, 3, 4, 5));
    assertSurvives(new CoordinatorActor.Report(report, node.getRef(), head.getRef()));
    assertSurvives(new CoordinatorActor.Report(report, node.getRef(), null));
    PipelineState state =
        new PipelineState(
            7, PipelineState.Status.UNAVAILABLE, NODE, "no memory", Duration.ofSeconds(5));
    assertSurvives(new DirectoryActor.Update(state, head.getRef()));
    assertSurvives(new CoordinatorActor.Status(state, PLAN, List.of(report), List.of(NODE)));
  }

  @Test
  void shouldCarryOutlooks() {
    NodeOffer a = NodeOffer.unmeasured("a", 1L << 40, 1);
    NodeOffer b = NodeOffer.unmeasured("b", 1L << 40, 2);
    ClusterPlan plan = FakePlans.over(List.of(a, b));
    PipelineState state =
        new PipelineState(7, PipelineState.Status.SERVING, NODE, "", Duration.ofSeconds(5));
    for (ClusterPlan running : new ClusterPlan[] {plan, null}) {
      Outlook outlook = new Outlook("a model", 5, KvType.F16, running, plan);
      assertSurvives(new CoordinatorActor.Foreseen(state, outlook, ""));
    }
    assertSurvives(new CoordinatorActor.Foreseen(state, null, "no memory"));
  }

  @Test
  void shouldCarryEvents() {
    List<TokenLogit> top = List.of(new TokenLogit(3, 0.1f), new TokenLogit(4, Float.MIN_VALUE));
    for (TokenEvent event :
        List.of(
            new TokenEvent.Token(5, 6, 1f / 3, 7.5f, top),
            new TokenEvent.Scored(0, OptionalDouble.of(0.1), 3f, top),
            new TokenEvent.Scored(1, OptionalDouble.empty(), 3f, List.of()),
            new TokenEvent.Reused(17),
            new TokenEvent.Recovered(4, Duration.ofNanos(1_234_567_891)),
            new TokenEvent.Finished(
                FinishReason.STOP, new Usage(1, 2, 0), new Timings(1, 2, Long.MAX_VALUE)))) {
      assertSurvives(new SchedulerActor.Event(ID, 4, event));
    }
    assertSurvives(new SchedulerActor.Unknown(ID));
    assertSurvives(new SchedulerActor.Delivered(ID, 9));
    GenerationException reason =
        new GenerationException(
            GenerationException.Kind.UNAVAILABLE, "no node", Duration.ofSeconds(3));
    GenerationException read = copy(new SchedulerActor.Failed(ID, reason)).reason();
    assertThat(read.kind()).isEqualTo(reason.kind());
    assertThat(read).hasMessage("no node");
    assertThat(read.retryAfter()).contains(Duration.ofSeconds(3));
  }

  @Test
  void shouldCarryRequests() {
    TestProbe<SchedulerActor.Reply> consumer = KIT.createTestProbe(SchedulerActor.Reply.class);
    SamplingParameters sampling =
        SamplingParameters.builder()
            .seed(Long.MIN_VALUE + 1)
            .temperature(0.1f)
            .logitBias(Map.of(3, Float.NEGATIVE_INFINITY, 5, 0.3f))
            .grammar(new dev.sluice.stages.grammar.Grammar("root ::= \"x\""))
            .build();
    TokenRequest request =
        new TokenRequest(new int[] {1, 2, 70_000}, sampling, 9, new int[] {2}, true)
            .tellingRecoveries();
    SchedulerActor.Submit submit =
        new SchedulerActor.Submit(
            ID, request, new Resume(new int[] {4, 5}, 3), 16, consumer.getRef());
    SchedulerActor.Submit read = copy(submit);
    assertThat(read.id()).isEqualTo(ID);
    assertThat(read.consumer()).isEqualTo(consumer.getRef());
    assertThat(read.resume().generated()).containsExactly(4, 5);
    assertThat(read.resume().scored()).isEqualTo(3);
    assertThat(read.request()).usingRecursiveComparison().isEqualTo(request);
    assertSurvives(new SchedulerActor.Demand(ID, 5, 4, consumer.getRef()));
    assertSurvives(new SchedulerActor.Cancel(ID));
  }
}
