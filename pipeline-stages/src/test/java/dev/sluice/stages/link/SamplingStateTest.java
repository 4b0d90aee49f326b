package dev.sluice.stages.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameType;
import dev.sluice.transport.codec.MessageHeaderDecoder;
import dev.sluice.transport.codec.SampledTokensDecoder;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SamplingStateTest {
  private static final int VOCABULARY = 8;
  private static final int STAGE = 3;
  private static final SamplingParameters GREEDY =
      SamplingParameters.GREEDY.toBuilder().topLogprobs(2).build();

  private record Result(
      int slot, int position, int token, int failure, int stage, float logit, int top) {}

  private final SamplerInput input = new SamplerInput(1, 8, 16, VOCABULARY, 4);
  private final SamplingState state =
      new SamplingState(new SamplingLimits(STAGE, VOCABULARY, 4, 32), NoVocabulary.NONE);

  @AfterEach
  void close() {
    input.close();
  }

  private void open(int slot, SamplingParameters sampling, int... tokens) {
    open(state, 0, slot, sampling, tokens);
  }

  private static void open(
      SamplingState state, int epoch, int slot, SamplingParameters sampling, int... tokens) {
    byte[] payload = new byte[SequenceOpenCodec.encodedLength(sampling, tokens.length)];
    SequenceOpenCodec.encode(new UnsafeBuffer(payload), 0, sampling, tokens, tokens.length, 1);
    assertThat(state.open(new SamplerWork.Opened(epoch, slot, payload))).isNull();
  }

  private LogitsBuffer acquire() {
    return Objects.requireNonNull(input.tryAcquire());
  }

  /** Sets a row to zeros with one peak. */
  private static void peak(LogitsBuffer buffer, int row, int token, float logit) {
    for (int id = 0; id < VOCABULARY; id++) {
      buffer
          .logits()
          .setAtIndex(
              ValueLayout.JAVA_FLOAT, (long) row * VOCABULARY + id, id == token ? logit : 0);
    }
  }

  private List<Result> step(LogitsBuffer buffer) {
    buffer.number(0, 11);
    Frame frame = Objects.requireNonNull(state.step(buffer));
    assertThat(frame.type()).isEqualTo(FrameType.TOKENS);
    assertThat(frame.microBatch()).isEqualTo(11);
    return results(frame);
  }

  private static List<Result> results(Frame frame) {
    SampledTokensDecoder decoder = new SampledTokensDecoder();
    decoder.wrapAndApplyHeader(
        frame.payloadBuffer(), frame.payloadOffset(), new MessageHeaderDecoder());
    List<Result> results = new ArrayList<>();
    for (SampledTokensDecoder.ResultsDecoder result : decoder.results()) {
      int top = 0;
      Result read =
          new Result(
              result.slot(),
              result.position(),
              result.token(),
              result.failure(),
              result.failedStage(),
              result.logit(),
              0);
      for (SampledTokensDecoder.ResultsDecoder.TopDecoder entry : result.top()) {
        assertThat(entry.token()).isBetween(0, VOCABULARY);
        top++;
      }
      results.add(
          new Result(
              read.slot, read.position, read.token, read.failure, read.stage, read.logit, top));
    }
    return results;
  }

  @Test
  void shouldSampleAtTheEndOfTheLogAndScoreBefore() {
    open(0, GREEDY, 4, 5, 6);
    LogitsBuffer buffer = acquire();
    buffer.batch().add(0, 0, 3, MicroBatch.ALL_LOGITS);
    peak(buffer, 0, 1, 2);
    peak(buffer, 1, 6, 3);
    peak(buffer, 2, 7, 4);
    assertThat(step(buffer))
        .containsExactly(
            new Result(0, 0, 5, 0, 0, 0, 2),
            new Result(0, 1, 6, 0, 0, 3, 2),
            new Result(0, 2, 7, 0, 0, 4, 2));
    LogitsBuffer next = acquire();
    next.batch().add(0, 3, 1, MicroBatch.LAST_LOGITS);
    peak(next, 0, 2, 1);
    assertThat(step(next)).containsExactly(new Result(0, 3, 2, 0, 0, 1, 2));
  }

  @Test
  void shouldTellOfAMicroBatchWithoutLogits() {
    open(0, GREEDY, 4, 5, 6);
    LogitsBuffer buffer = acquire();
    buffer.batch().add(0, 0, 2, 0);
    assertThat(step(buffer)).isEmpty();
  }

  @Test
  void shouldKeepTheRowsOfFailedEntriesApart() {
    open(0, GREEDY, 1);
    open(1, GREEDY, 1);
    open(2, GREEDY, 1, 2);
    LogitsBuffer buffer = acquire();
    MicroBatch batch = buffer.batch();
    batch.add(0, 0, 1, MicroBatch.LAST_LOGITS);
    batch.add(2, 0, 2, MicroBatch.ALL_LOGITS);
    batch.add(1, 0, 1, MicroBatch.LAST_LOGITS);
    batch.fail(1, MicroBatch.NO_KV_PAGES, 2);
    peak(buffer, 0, 3, 1);
    peak(buffer, 3, 4, 1);
    assertThat(step(buffer))
        .containsExactly(
            new Result(0, 0, 3, 0, 0, 1, 2),
            new Result(2, 1, -1, MicroBatch.NO_KV_PAGES, 2, 0, 0),
            new Result(1, 0, 4, 0, 0, 1, 2));
  }

  @Test
  void shouldFailTheEntryWithARowThatIsNotFiniteAndGoOn() {
    open(0, GREEDY, 1, 2, 3);
    open(1, GREEDY, 1);
    LogitsBuffer buffer = acquire();
    buffer.batch().add(0, 0, 3, MicroBatch.ALL_LOGITS);
    buffer.batch().add(1, 0, 1, MicroBatch.LAST_LOGITS);
    peak(buffer, 0, 3, 1);
    peak(buffer, 1, 3, Float.NaN);
    peak(buffer, 2, 3, 1);
    peak(buffer, 3, 5, 1);
    assertThat(step(buffer))
        .containsExactly(
            new Result(0, 0, 2, 0, 0, 0, 2),
            new Result(0, 1, -1, MicroBatch.NON_FINITE, STAGE, 0, 0),
            new Result(1, 0, 5, 0, 0, 1, 2));
  }

  @Test
  void shouldFailStepsOfSequencesThatAreNotOpen() {
    open(0, GREEDY, 1);
    open(1, GREEDY, 1, VOCABULARY); // malformed: a token outside the vocabulary
    LogitsBuffer buffer = acquire();
    buffer.batch().add(0, 5, 1, MicroBatch.LAST_LOGITS); // beyond its log
    buffer.batch().add(1, 0, 1, MicroBatch.LAST_LOGITS);
    buffer.batch().add(3, 0, 1, MicroBatch.LAST_LOGITS);
    buffer.batch().add(1_000, 0, 1, MicroBatch.LAST_LOGITS);
    assertThat(step(buffer))
        .extracting(Result::failure)
        .containsOnly(SampleFailure.BAD_SEQUENCE)
        .hasSize(4);
  }

  @Test
  void shouldForgetWhatIsClosedAndTellTheHead() {
    open(0, GREEDY, 1);
    Frame frame =
        Objects.requireNonNull(state.close(new SamplerWork.Closed(0, 9, new int[] {0, 2, 77})));
    assertThat(frame.type()).isEqualTo(FrameType.CLOSE);
    assertThat(frame.microBatch()).isEqualTo(9);
    assertThat(frame.entries()).isEqualTo(2);
    assertThat(frame.slot(1)).isEqualTo(2);
    LogitsBuffer buffer = acquire();
    buffer.batch().add(0, 0, 1, MicroBatch.LAST_LOGITS);
    assertThat(step(buffer).getFirst().failure()).isEqualTo(SampleFailure.BAD_SEQUENCE);
  }

  @Test
  void shouldDropWorkOfAnOlderEpochAndForgetAtANewer() {
    open(state, 2, 0, GREEDY, 1);
    LogitsBuffer old = acquire();
    old.batch().add(0, 0, 1, MicroBatch.LAST_LOGITS);
    old.number(1, 5);
    assertThat(state.step(old)).isNull();
    assertThat(input.tryAcquire()).as("given back all the same").isSameAs(old);
    assertThat(state.close(new SamplerWork.Closed(1, 0, new int[] {0}))).isNull();
    old.batch().add(0, 0, 1, MicroBatch.LAST_LOGITS);
    old.number(3, 0);
    assertThat(results(Objects.requireNonNull(state.step(old))).getFirst().failure())
        .isEqualTo(SampleFailure.BAD_SEQUENCE);
  }

  /**
   * What a recovery rests on: the same tokens, whatever was sampled together, and from wherever it
   * is taken up again.
   */
  @Test
  void shouldSampleTheSameAfterReplayAndInOtherCompany() {
    SamplingParameters sampling =
        SamplingParameters.builder().seed(7).repetitionPenalty(1.3f).temperature(2).build();
    int[] alone = generate(sampling, new int[] {1, 2}, 20, false);
    assertThat(generate(sampling, new int[] {1, 2}, 20, true)).isEqualTo(alone);
    int[] prefix = java.util.Arrays.copyOf(alone, 9);
    assertThat(generate(sampling, prefix, 20, true)).isEqualTo(alone);
  }

  private int[] generate(SamplingParameters sampling, int[] tokens, int length, boolean company) {
    SamplingState fresh =
        new SamplingState(new SamplingLimits(STAGE, VOCABULARY, 4, 32), NoVocabulary.NONE);
    open(fresh, 0, 1, sampling, tokens);
    open(fresh, 0, 2, sampling.toBuilder().seed(99).build(), 3, 4);
    TreeMap<Integer, Integer> log = new TreeMap<>();
    for (int i = 0; i < tokens.length; i++) {
      log.put(i, tokens[i]);
    }
    for (int position = tokens.length - 1; position < length - 1; position++) {
      LogitsBuffer buffer = acquire();
      if (company) {
        buffer.batch().add(2, position - tokens.length + 2, 1, MicroBatch.LAST_LOGITS);
        random(buffer, 0, 1_000 + position);
      }
      buffer.batch().add(1, position, 1, MicroBatch.LAST_LOGITS);
      random(buffer, company ? 1 : 0, position);
      Result result = results(Objects.requireNonNull(fresh.step(buffer))).getLast();
      log.put(result.position() + 1, result.token());
    }
    return log.values().stream().mapToInt(Integer::intValue).toArray();
  }

  private static void random(LogitsBuffer buffer, int row, long seed) {
    Random random = new Random(seed);
    for (int id = 0; id < VOCABULARY; id++) {
      long index = (long) row * VOCABULARY + id;
      buffer.logits().setAtIndex(ValueLayout.JAVA_FLOAT, index, random.nextFloat(-4, 4));
    }
  }
}
