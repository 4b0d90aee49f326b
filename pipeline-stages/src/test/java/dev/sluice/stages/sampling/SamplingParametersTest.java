package dev.sluice.stages.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Map;
import org.junit.jupiter.api.Test;

class SamplingParametersTest {
  @Test
  void shouldNameWhatIsWrong() {
    var builder = SamplingParameters.builder();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SamplingParameters.builder().temperature(-1).build())
        .withMessageContaining("temperature -1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SamplingParameters.builder().temperature(Float.NaN).build())
        .withMessageContaining("temperature");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SamplingParameters.builder().topP(1.5f).build())
        .withMessageContaining("top-p 1.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SamplingParameters.builder().minP(Float.NaN).build())
        .withMessageContaining("min-p");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SamplingParameters.builder().repetitionPenalty(0).build())
        .withMessageContaining("repetition penalty");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SamplingParameters.builder().repetitionWindow(-2).build())
        .withMessageContaining("repetition window -2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SamplingParameters.builder().topLogprobs(101).build())
        .withMessageContaining("top logprobs 101");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.logitBias(Map.of(3, Float.POSITIVE_INFINITY)))
        .withMessageContaining("token 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.logitBias(Map.of(-3, 1f)))
        .withMessageContaining("token -3");
  }

  @Test
  void shouldRebuildTheSame() {
    SamplingParameters parameters =
        SamplingParameters.builder()
            .temperature(0.5f)
            .topK(3)
            .topP(0.4f)
            .minP(0.1f)
            .repetitionPenalty(1.1f)
            .repetitionWindow(-1)
            .presencePenalty(0.2f)
            .frequencyPenalty(0.3f)
            .seed(77)
            .logitBias(Map.of(5, 1f, 2, Float.NEGATIVE_INFINITY))
            .topLogprobs(4)
            .build();
    assertThat(parameters.toBuilder().build()).isEqualTo(parameters);
  }

  @Test
  void shouldBanTokensBesidesTheirBias() {
    LogitBias bias = LogitBias.of(Map.of(4, 1.5f, 9, 2f)).banning(9, 1);
    assertThat(bias)
        .isEqualTo(
            LogitBias.of(Map.of(1, Float.NEGATIVE_INFINITY, 4, 1.5f, 9, Float.NEGATIVE_INFINITY)));
    assertThat(bias).hasToString("{1=-Infinity, 4=1.5, 9=-Infinity}");
  }
}
