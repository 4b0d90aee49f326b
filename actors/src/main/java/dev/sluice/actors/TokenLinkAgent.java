package dev.sluice.actors;

import dev.sluice.actors.scheduling.RowResult;
import dev.sluice.stages.sampling.TokenLogit;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameHandler;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.PayloadType;
import dev.sluice.transport.codec.MessageHeaderDecoder;
import dev.sluice.transport.codec.SampledTokensDecoder;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.Agent;

/**
 * The head's end of the token link: polls it on a thread of its own and tells what came. Frames are
 * few and small: one for each micro-batch.
 */
final class TokenLinkAgent implements Agent, FrameHandler {
  private static final int FRAMES_A_POLL = 8;

  /** Told what came, on the agent's thread. */
  interface Listener {
    void onResults(int epoch, long microBatch, List<RowResult> results);

    void onClosed(int epoch, int slot);

    void onBroken(int epoch, String reason);
  }

  private final FrameReceiver receiver;
  private final int epoch;
  private final Listener listener;
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final SampledTokensDecoder decoder = new SampledTokensDecoder();
  private boolean broken;

  TokenLinkAgent(FrameReceiver receiver, int epoch, Listener listener) {
    this.receiver = receiver;
    this.epoch = epoch;
    this.listener = listener;
  }

  @Override
  public String roleName() {
    return "sluice-token-link";
  }

  @Override
  public int doWork() {
    if (broken) {
      return 0;
    }
    try {
      return receiver.poll(this, FRAMES_A_POLL);
    } catch (RuntimeException e) {
      fail(StageMonitor.describe(e));
      return 0;
    }
  }

  @Override
  public boolean onFrame(Frame frame) {
    if (frame.epoch() != epoch) {
      return true;
    }
    switch (frame.type()) {
      case TOKENS -> listener.onResults(epoch, frame.microBatch(), decode(frame));
      case CLOSE -> {
        for (int i = 0; i < frame.entries(); i++) {
          listener.onClosed(epoch, frame.slot(i));
        }
      }
      case OPEN, STEP, REPLAY, KV -> fail("a frame of type " + frame.type() + " came");
    }
    return true;
  }

  @Override
  public void onBroken(int brokenEpoch, String reason) {
    if (brokenEpoch == epoch) {
      fail(reason);
    }
  }

  private void fail(String reason) {
    if (!broken) {
      broken = true;
      listener.onBroken(epoch, "the token link: " + reason);
    }
  }

  /** A message cut short throws {@link IndexOutOfBoundsException}: the link is then broken. */
  private List<RowResult> decode(Frame frame) {
    if (frame.payloadType() != PayloadType.BYTES) {
      throw new IllegalArgumentException("a payload of type " + frame.payloadType());
    }
    header.wrap(frame.payloadBuffer(), frame.payloadOffset());
    if (header.templateId() != SampledTokensDecoder.TEMPLATE_ID
        || header.schemaId() != SampledTokensDecoder.SCHEMA_ID) {
      throw new IllegalArgumentException("a message of template " + header.templateId());
    }
    decoder.wrap(
        frame.payloadBuffer(),
        frame.payloadOffset() + MessageHeaderDecoder.ENCODED_LENGTH,
        header.blockLength(),
        header.version());
    SampledTokensDecoder.ResultsDecoder results = decoder.results();
    List<RowResult> rows = new ArrayList<>(results.count());
    while (results.hasNext()) {
      results.next();
      int slot = results.slot();
      int position = results.position();
      int token = results.token();
      int failure = results.failure();
      int stage = results.failedStage();
      float logit = results.logit();
      float logSumExp = results.logSumExp();
      rows.add(
          new RowResult(slot, position, token, failure, stage, logit, logSumExp, top(results)));
    }
    return rows;
  }

  private static List<TokenLogit> top(SampledTokensDecoder.ResultsDecoder result) {
    SampledTokensDecoder.ResultsDecoder.TopDecoder top = result.top();
    if (top.count() == 0) {
      return List.of();
    }
    List<TokenLogit> all = new ArrayList<>(top.count());
    while (top.hasNext()) {
      top.next();
      all.add(new TokenLogit(top.token(), top.logit()));
    }
    return List.copyOf(all);
  }
}
