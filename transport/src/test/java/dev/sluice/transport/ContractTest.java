package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.transport.codec.MessageHeaderDecoder;
import dev.sluice.transport.codec.MessageHeaderEncoder;
import dev.sluice.transport.codec.SampledTokensDecoder;
import dev.sluice.transport.codec.SampledTokensEncoder;
import dev.sluice.transport.codec.SequenceOpenDecoder;
import dev.sluice.transport.codec.SequenceOpenEncoder;
import java.nio.file.Path;
import java.time.Duration;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/**
 * Frames, addresses and settings refuse what they cannot be; payloads read as they were written.
 */
class ContractTest {
  private final Frame frame = new Frame();

  @Test
  void shouldStartAFrameAnew() {
    UnsafeBuffer payload = new UnsafeBuffer(new byte[8]);
    frame.reset(FrameType.STEP, 3, 4).addEntry(1, 2, 3, -1);
    frame.payload(PayloadType.F32, 2, payload, 0, 8).reset(FrameType.CLOSE, 5, 6);
    assertThat(frame.entries()).isZero();
    assertThat(frame.payloadLength()).isZero();
    assertThat(frame.payloadType()).isEqualTo(PayloadType.NONE);
    assertThat(frame).hasToString("CLOSE epoch=5 microBatch=6 entries=0 payload=NONE x 0, 0 bytes");
    assertThatThrownBy(() -> frame.slot(0)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void shouldRefuseFramesThatCannotBe() {
    UnsafeBuffer payload = new UnsafeBuffer(new byte[8]);
    assertThatThrownBy(() -> frame.reset(FrameType.STEP, -1, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> frame.addEntry(-1, 0, 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> frame.payload(PayloadType.F32, 1, payload, 0, 7))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> frame.payload(PayloadType.NONE, 0, payload, 0, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> frame.payload(PayloadType.BYTES, 0, payload, 4, 5))
        .isInstanceOf(IndexOutOfBoundsException.class);
    for (int i = 0; i < Frame.MAX_ENTRIES; i++) {
      frame.addEntry(i, 0, 0, 0);
    }
    assertThatThrownBy(() -> frame.addEntry(0, 0, 0, 0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void shouldRefuseAddressesThatAreNone() {
    for (String channel : new String[] {"", "ipc", "http://example.org", "aeron:tcp"}) {
      assertThatThrownBy(() -> new LinkAddress(channel, 1))
          .describedAs(channel)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(LinkAddress.udp("127.0.0.1", 40_123, 2).channel())
        .isEqualTo("aeron:udp?endpoint=127.0.0.1:40123");
  }

  @Test
  void shouldRefuseSettingsOutOfRange() {
    assertThat(TransportConfig.defaults().embeddedDriver()).isTrue();
    for (TransportConfig.Builder builder :
        new TransportConfig.Builder[] {
          TransportConfig.builder().termBufferLength(1 << 16),
          TransportConfig.builder().termBufferLength(3 << 20),
          TransportConfig.builder().maxPayloadBytes(-1),
          TransportConfig.builder().udpMtu(1_500),
          TransportConfig.builder().ipcMtu(1 << 20),
          TransportConfig.builder().livenessTimeout(Duration.ZERO),
          TransportConfig.builder().embeddedDriver(false)
        }) {
      assertThatThrownBy(builder::build).isInstanceOf(IllegalArgumentException.class);
    }
    Path directory = Path.of("somewhere");
    assertThat(
            TransportConfig.builder()
                .embeddedDriver(false)
                .aeronDirectory(directory)
                .build()
                .aeronDirectory())
        .isEqualTo(directory);
  }

  @Test
  void shouldReadSequencesAndTokensAsTheyWereWritten() {
    ExpandableArrayBuffer buffer = new ExpandableArrayBuffer();
    SequenceOpenEncoder open =
        new SequenceOpenEncoder().wrapAndApplyHeader(buffer, 0, new MessageHeaderEncoder());
    open.seed(-7).promptLength(3).temperature(0.5f).topK(40).topP(0.9f).minP(0.1f);
    open.logitBiasCount(1).next().token(5).bias(-2);
    open.putTokens(new byte[] {1, 0, 0, 0, 2, 0, 0, 0}, 0, 8);
    SequenceOpenDecoder opened =
        new SequenceOpenDecoder().wrapAndApplyHeader(buffer, 0, new MessageHeaderDecoder());
    assertThat(opened.seed()).isEqualTo(-7);
    assertThat(opened.promptLength()).isEqualTo(3);
    assertThat(opened.logitBias().next().bias()).isEqualTo(-2);
    assertThat(opened.tokensLength()).isEqualTo(8);

    SampledTokensEncoder tokens =
        new SampledTokensEncoder().wrapAndApplyHeader(buffer, 0, new MessageHeaderEncoder());
    SampledTokensEncoder.ResultsEncoder results = tokens.resultsCount(2);
    results.next().slot(1).position(9).token(77).failure((short) 0).failedStage((short) -1);
    results.logit(1.5f).logSumExp(3).topCount(1).next().token(77).logit(1.5f);
    results.next().slot(2).failure((short) 2).failedStage((short) 1).topCount(0);
    SampledTokensDecoder sampled =
        new SampledTokensDecoder().wrapAndApplyHeader(buffer, 0, new MessageHeaderDecoder());
    SampledTokensDecoder.ResultsDecoder result = sampled.results();
    assertThat(result.count()).isEqualTo(2);
    assertThat(result.next().token()).isEqualTo(77);
    assertThat(result.top().next().logit()).isEqualTo(1.5f);
    assertThat(result.next().failure()).isEqualTo((short) 2);
    assertThat(result.failedStage()).isEqualTo((short) 1);
  }
}
