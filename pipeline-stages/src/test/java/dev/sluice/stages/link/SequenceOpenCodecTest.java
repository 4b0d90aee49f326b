package dev.sluice.stages.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.stages.sampling.SamplingParameters;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.agrona.concurrent.UnsafeBuffer;

class SequenceOpenCodecTest {
  private static final SamplingParameters SAMPLING =
      SamplingParameters.builder()
          .temperature(0.7f)
          .topK(12)
          .topP(0.8f)
          .minP(0.01f)
          .repetitionPenalty(1.2f)
          .repetitionWindow(-1)
          .presencePenalty(0.25f)
          .frequencyPenalty(-0.5f)
          .seed(-42)
          .logitBias(Map.of(3, 1.5f, 1, Float.NEGATIVE_INFINITY))
          .topLogprobs(5)
          .grammar(new dev.sluice.stages.grammar.Grammar("root ::= \"ä\""))
          .build();

  private static UnsafeBuffer encoded(int[] tokens, int promptLength) {
    int length = SequenceOpenCodec.encodedLength(SAMPLING, tokens.length);
    UnsafeBuffer buffer = new UnsafeBuffer(new byte[length + 8]);
    assertThat(SequenceOpenCodec.encode(buffer, 8, SAMPLING, tokens, tokens.length, promptLength))
        .isEqualTo(length);
    return buffer;
  }

  private static SequenceOpenCodec.SequenceOpen decode(UnsafeBuffer buffer, int length) {
    return SequenceOpenCodec.decode(buffer, 8, length, 100, 50);
  }

  @Example
  void shouldGiveBackWhatWasWritten() {
    int[] tokens = {5, 99, 0, 7};
    UnsafeBuffer buffer = encoded(tokens, 3);
    var open = decode(buffer, buffer.capacity() - 8);
    assertThat(open.sampling()).isEqualTo(SAMPLING);
    assertThat(open.tokens()).isEqualTo(tokens);
    assertThat(open.promptLength()).isEqualTo(3);
  }

  @Example
  void shouldRefuseWhatIsNotAllowed() {
    UnsafeBuffer beyond = encoded(new int[] {5, 100}, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> decode(beyond, beyond.capacity() - 8))
        .withMessageContaining("token 100 at 1");
    UnsafeBuffer tooLong = encoded(new int[51], 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> decode(tooLong, tooLong.capacity() - 8))
        .withMessageContaining("at most 50 tokens");
    UnsafeBuffer prompt = encoded(new int[] {1}, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> decode(prompt, prompt.capacity() - 8))
        .withMessageContaining("a prompt of 2 tokens, of 1");
  }

  @Example
  void shouldRefuseEveryTruncation() {
    UnsafeBuffer buffer = encoded(new int[] {5, 99, 0, 7}, 3);
    for (int length = 0; length < buffer.capacity() - 8; length++) {
      int cut = length;
      assertThatIllegalArgumentException().isThrownBy(() -> decode(buffer, cut));
    }
  }

  @Property(tries = 3_000)
  void shouldSurviveGarbage(@ForAll Random random) {
    UnsafeBuffer buffer = encoded(new int[] {5, 99, 0, 7}, 3);
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      buffer.putByte(8 + random.nextInt(buffer.capacity() - 8), (byte) random.nextInt());
    }
    try {
      var open = decode(buffer, buffer.capacity() - 8);
      assertThat(open.tokens().length).isLessThanOrEqualTo(50);
    } catch (IllegalArgumentException e) {
      assertThat(e).hasMessageNotContaining("null");
    }
  }
}
