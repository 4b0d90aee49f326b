package dev.sluice.stages.link;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorSystem;
import akka.stream.javadsl.Keep;
import akka.stream.testkit.javadsl.TestSink;
import akka.stream.testkit.javadsl.TestSource;
import dev.sluice.stages.flow.TestSystems;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameType;
import java.util.Objects;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SamplingStageTest {
  @Test
  void shouldGiveAFrameForEachWorkButOpenings() {
    ActorSystem system = TestSystems.create("sampling-stage-test");
    try (SamplerInput input = new SamplerInput(1, 1, 1, 4, 1)) {
      var pair =
          TestSource.<SamplerWork>create(system)
              .via(new SamplingStage(new SamplingLimits(0, 4, 2, 8), NoVocabulary.NONE))
              .toMat(TestSink.<Frame>create(system), Keep.both())
              .run(system);
      var source = pair.first();
      var sink = pair.second();
      sink.request(2);

      byte[] payload = new byte[SequenceOpenCodec.encodedLength(SamplingParameters.GREEDY, 1)];
      SequenceOpenCodec.encode(
          new UnsafeBuffer(payload), 0, SamplingParameters.GREEDY, new int[] {1}, 1, 1);
      source.sendNext(new SamplerWork.Opened(0, 0, payload));
      source.sendNext(new SamplerWork.Closed(0, 3, new int[] {0}));
      assertThat(sink.expectNext().type()).isEqualTo(FrameType.CLOSE);
      LogitsBuffer buffer = Objects.requireNonNull(input.tryAcquire());
      buffer.number(0, 4);
      source.sendNext(buffer);
      Frame frame = sink.expectNext();
      assertThat(frame.type()).isEqualTo(FrameType.TOKENS);
      assertThat(frame.microBatch()).isEqualTo(4);
      assertThat(input.tryAcquire()).as("given back").isSameAs(buffer);
      source.sendComplete();
      sink.expectComplete();
    } finally {
      TestSystems.stop(system);
    }
  }
}
