package dev.sluice.stages.link;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.sampling.Sampler;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameType;
import dev.sluice.transport.PayloadType;
import dev.sluice.transport.codec.MessageHeaderEncoder;
import dev.sluice.transport.codec.SampledTokensEncoder;
import java.util.Arrays;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sequences of the last node and how they are sampled, without streams. The frame that it
 * returns is its own and valid until the next call. For one thread.
 */
final class SamplingState {
  private static final Logger LOG = LoggerFactory.getLogger(SamplingState.class);

  private final SamplingLimits limits;
  private final Sampler sampler;
  private final @Nullable SampledSequence[] sequences;
  private final Frame frame = new Frame();
  private final ExpandableArrayBuffer payload = new ExpandableArrayBuffer();
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final SampledTokensEncoder encoder = new SampledTokensEncoder();
  private int epoch;

  SamplingState(SamplingLimits limits) {
    this.limits = limits;
    sampler = new Sampler(limits.vocabularySize());
    sequences = new SampledSequence[limits.maxSequences()];
  }

  /** An opening gives no frame. */
  @Nullable Frame open(SamplerWork.Opened opened) {
    if (!current(opened.epoch()) || !known(opened.slot())) {
      return null;
    }
    UnsafeBuffer message = new UnsafeBuffer(opened.payload());
    try {
      SequenceOpenCodec.SequenceOpen open =
          SequenceOpenCodec.decode(
              message, 0, message.capacity(), limits.vocabularySize(), limits.maxTokens());
      sequences[opened.slot()] = new SampledSequence(open, limits.maxTokens());
    } catch (IllegalArgumentException e) {
      // The sequence's first step tells the head.
      sequences[opened.slot()] = null;
      LOG.warn("slot {}, epoch {}: malformed opening: {}", opened.slot(), epoch, e.getMessage());
    }
    return null;
  }

  /** Forgets sequences, and tells the head so. */
  @Nullable Frame close(SamplerWork.Closed closed) {
    if (!current(closed.epoch())) {
      return null;
    }
    frame.reset(FrameType.CLOSE, epoch, closed.microBatch());
    for (int slot : closed.slots()) {
      if (known(slot)) {
        sequences[slot] = null;
        frame.addEntry(slot, 0, 0, 0);
      }
    }
    return frame;
  }

  /** Samples or scores every row of logits, and gives the buffer back. */
  @Nullable Frame step(LogitsBuffer step) {
    try {
      return current(step.epoch()) ? results(step) : null;
    } finally {
      step.recycle();
    }
  }

  private Frame results(LogitsBuffer step) {
    MicroBatch batch = step.batch();
    encoder.wrapAndApplyHeader(payload, 0, header);
    SampledTokensEncoder.ResultsEncoder results =
        encoder.resultsCount(batch.logitRows() + batch.entries());
    long rowBytes = (long) limits.vocabularySize() * Float.BYTES;
    int row = 0;
    for (int i = 0; i < batch.entries(); i++) {
      int rows = batch.logitRows(i);
      int last = batch.startPosition(i) + batch.tokenCount(i) - 1;
      if (batch.failed(i)) {
        fail(results, batch.slot(i), last, batch.failure(i), batch.failedStage(i));
      } else {
        int first = last - rows + 1;
        for (int r = 0; r < rows; r++) {
          if (!result(results, step, (row + r) * rowBytes, batch.slot(i), first + r)) {
            break;
          }
        }
      }
      row += rows;
    }
    results.resetCountToIndex();
    int length = MessageHeaderEncoder.ENCODED_LENGTH + encoder.encodedLength();
    return frame
        .reset(FrameType.TOKENS, epoch, step.microBatch())
        .payload(PayloadType.BYTES, 0, payload, 0, length);
  }

  /** One row; false where it failed, and the entry with it. */
  private boolean result(
      SampledTokensEncoder.ResultsEncoder results,
      LogitsBuffer step,
      long offset,
      int slot,
      int position) {
    SampledSequence sequence = known(slot) ? sequences[slot] : null;
    if (sequence == null || position >= sequence.length()) {
      fail(results, slot, position, SampleFailure.BAD_SEQUENCE, limits.stage());
      return false;
    }
    boolean fine;
    if (position + 1 < sequence.length()) {
      int next = sequence.log()[position + 1];
      int wanted = sequence.parameters().topLogprobs();
      fine = sampler.score(step.logits(), offset, next, wanted);
    } else {
      fine =
          sampler.sample(
              step.logits(), offset, sequence.parameters(), sequence.log(), sequence.length());
      if (fine) {
        sequence.append(sampler.token());
      }
    }
    if (!fine) {
      fail(results, slot, position, MicroBatch.NON_FINITE, limits.stage());
      return false;
    }
    results
        .next()
        .slot(slot)
        .position(position)
        .token(sampler.token())
        .failure((short) MicroBatch.FINE)
        .failedStage((short) 0)
        .logit(sampler.logit())
        .logSumExp((float) sampler.logSumExp());
    SampledTokensEncoder.ResultsEncoder.TopEncoder top = results.topCount(sampler.topCount());
    for (int i = 0; i < sampler.topCount(); i++) {
      top.next().token(sampler.topToken(i)).logit(sampler.topLogit(i));
    }
    return true;
  }

  private static void fail(
      SampledTokensEncoder.ResultsEncoder results, int slot, int position, int code, int stage) {
    results
        .next()
        .slot(slot)
        .position(position)
        .token(Sampler.NO_TOKEN)
        .failure((short) code)
        .failedStage((short) stage)
        .logit(0)
        .logSumExp(0)
        .topCount(0);
  }

  /** Whether work of an epoch counts. A newer one makes everything of the older void. */
  private boolean current(int ofWork) {
    if (ofWork > epoch) {
      epoch = ofWork;
      Arrays.fill(sequences, null);
    }
    return ofWork == epoch;
  }

  private boolean known(int slot) {
    return slot >= 0 && slot < sequences.length;
  }
}
