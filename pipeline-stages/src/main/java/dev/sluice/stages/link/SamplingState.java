package dev.sluice.stages.link;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.grammar.GrammarException;
import dev.sluice.stages.grammar.GrammarMatcher;
import dev.sluice.stages.grammar.Grammars;
import dev.sluice.stages.grammar.TokenVocabulary;
import dev.sluice.stages.sampling.Sampler;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameType;
import dev.sluice.transport.PayloadType;
import dev.sluice.transport.codec.MessageHeaderEncoder;
import dev.sluice.transport.codec.SampledTokensEncoder;
import java.util.Arrays;
import java.util.function.Supplier;
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
  private final Supplier<TokenVocabulary> vocabulary;
  private final Sampler sampler;
  private final @Nullable SampledSequence[] sequences;

  /** Slots whose sequence cannot be sampled, and the failure that its steps get. */
  private final int[] failures;

  private @Nullable Grammars grammars;
  private final Frame frame = new Frame();
  private final ExpandableArrayBuffer payload = new ExpandableArrayBuffer();
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final SampledTokensEncoder encoder = new SampledTokensEncoder();
  private int epoch;

  /**
   * No sequences yet.
   *
   * @param vocabulary asked for when the first grammar comes
   */
  SamplingState(SamplingLimits limits, Supplier<TokenVocabulary> vocabulary) {
    this.limits = limits;
    this.vocabulary = vocabulary;
    failures = new int[limits.maxSequences()];
    Arrays.fill(failures, SampleFailure.BAD_SEQUENCE);
    sampler = new Sampler(limits.vocabularySize());
    sequences = new SampledSequence[limits.maxSequences()];
  }

  /** An opening gives no frame. */
  @Nullable Frame open(SamplerWork.Opened opened) {
    if (!current(opened.epoch()) || !known(opened.slot())) {
      return null;
    }
    UnsafeBuffer message = new UnsafeBuffer(opened.payload());
    // Where it cannot be opened, the sequence's first step tells the head.
    forget(opened.slot(), SampleFailure.BAD_SEQUENCE);
    try {
      SequenceOpenCodec.SequenceOpen open =
          SequenceOpenCodec.decode(
              message, 0, message.capacity(), limits.vocabularySize(), limits.maxTokens());
      sequences[opened.slot()] = new SampledSequence(open, limits.maxTokens(), matcher(open));
    } catch (GrammarException e) {
      brokenGrammar(opened.slot(), e);
    } catch (IllegalArgumentException e) {
      LOG.warn("slot {}, epoch {}: malformed opening: {}", opened.slot(), epoch, e.getMessage());
    }
    return null;
  }

  private @Nullable GrammarMatcher matcher(SequenceOpenCodec.SequenceOpen open) {
    if (open.sampling().grammar() == null) {
      return null;
    }
    Grammars known = grammars;
    if (known == null) {
      known = new Grammars(readVocabulary());
      grammars = known;
    }
    int[] tokens = open.tokens();
    return known.matcher(open.sampling().grammar(), tokens, open.promptLength(), tokens.length);
  }

  private TokenVocabulary readVocabulary() {
    try {
      return vocabulary.get();
    } catch (RuntimeException e) {
      throw new GrammarException("a grammar needs the model's vocabulary: " + e.getMessage(), e);
    }
  }

  private void brokenGrammar(int slot, GrammarException reason) {
    forget(slot, SampleFailure.GRAMMAR);
    LOG.warn("slot {}, epoch {}: {}", slot, epoch, reason.getMessage());
  }

  private void forget(int slot, int failure) {
    sequences[slot] = null;
    failures[slot] = failure;
  }

  /** Forgets sequences, and tells the head so. */
  @Nullable Frame close(SamplerWork.Closed closed) {
    if (!current(closed.epoch())) {
      return null;
    }
    frame.reset(FrameType.CLOSE, epoch, closed.microBatch());
    for (int slot : closed.slots()) {
      if (known(slot)) {
        forget(slot, SampleFailure.BAD_SEQUENCE);
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
      int failure = known(slot) ? failures[slot] : SampleFailure.BAD_SEQUENCE;
      fail(results, slot, position, failure, limits.stage());
      return false;
    }
    int failure;
    if (position + 1 < sequence.length()) {
      int next = sequence.log()[position + 1];
      int wanted = sequence.parameters().topLogprobs();
      boolean fine = sampler.score(step.logits(), offset, next, wanted);
      failure = fine ? MicroBatch.FINE : MicroBatch.NON_FINITE;
    } else {
      failure = sample(sequence, step, offset, slot);
    }
    if (failure != MicroBatch.FINE) {
      fail(results, slot, position, failure, limits.stage());
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

  /** Chooses the next token and enters it into the log; gives the failure where none is there. */
  private int sample(SampledSequence sequence, LogitsBuffer step, long offset, int slot) {
    GrammarMatcher grammar = sequence.grammar();
    try {
      boolean fine =
          sampler.sample(
              step.logits(),
              offset,
              sequence.parameters(),
              sequence.log(),
              sequence.length(),
              grammar);
      if (fine) {
        sequence.append(sampler.token());
        return MicroBatch.FINE;
      }
    } catch (GrammarException e) {
      brokenGrammar(slot, e);
      return SampleFailure.GRAMMAR;
    }
    if (grammar == null || !sampler.finite()) {
      return MicroBatch.NON_FINITE;
    }
    return grammar.complete() ? SampleFailure.GRAMMAR_ENDED : SampleFailure.GRAMMAR;
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
      Arrays.fill(failures, SampleFailure.BAD_SEQUENCE);
    }
    return ofWork == epoch;
  }

  private boolean known(int slot) {
    return slot >= 0 && slot < sequences.length;
  }
}
