package dev.sluice.actors.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.stream.javadsl.Sink;
import dev.sluice.actors.SchedulerActor;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import dev.sluice.stages.sampling.SamplingParameters;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class GenerateStageTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final TokenRequest REQUEST =
      new TokenRequest(new int[] {1, 2}, SamplingParameters.GREEDY, 50, new int[0], false);
  private static final TokenEvent TOKEN = new TokenEvent.Token(3, 2, 0, 0, List.of());
  private static final TokenEvent END =
      new TokenEvent.Finished(FinishReason.LENGTH, new Usage(2, 1, 0), new Timings(0, 0, 0));

  private final ActorTestKit kit = ActorTestKit.create();

  @AfterEach
  void end() {
    kit.shutdownTestKit();
  }

  @Test
  void shouldTellTheHeadOfAConsumerWhoseThreadIsBusy() throws Exception {
    TestProbe<SchedulerActor.Command> head = kit.createTestProbe();
    TestProbe<SchedulerActor.Reply> replies = kit.createTestProbe();
    HeadDirectory directory = new HeadDirectory("starting");
    directory.publish(new HeadDirectory.At(head.ref(), replies.ref()));
    CountDownLatch go = new CountDownLatch(1);
    CompletionStage<List<TokenEvent>> events =
        GenerateStage.source(directory, REQUEST, 4, LIMIT)
            .map(
                event -> {
                  go.await();
                  return event;
                })
            .runWith(Sink.seq(), kit.system());
    var submit = head.expectMessageClass(SchedulerActor.Submit.class, LIMIT);
    directory.reply(new SchedulerActor.Event(submit.id(), 0, TOKEN));
    for (int i = 0; i < 3; i++) {
      var demand = head.expectMessageClass(SchedulerActor.Demand.class, LIMIT);
      assertThat(demand.id()).isEqualTo(submit.id());
      assertThat(demand.granted()).as("room for four").isLessThanOrEqualTo(4);
    }
    directory.reply(new SchedulerActor.Event(submit.id(), 1, END));
    go.countDown();
    assertThat(events.toCompletableFuture().get(60, TimeUnit.SECONDS)).containsExactly(TOKEN, END);
  }
}
