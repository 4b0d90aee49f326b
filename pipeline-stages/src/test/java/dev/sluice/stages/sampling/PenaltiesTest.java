package dev.sluice.stages.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class PenaltiesTest {
  private static final int VOCABULARY = 8;

  @Property
  void shouldFollowTheFormulasOverTheWindow(
      @ForAll @Size(8) List<@FloatRange(min = -10, max = 10) Float> logits,
      @ForAll @Size(max = 40) List<@IntRange(max = 7) Integer> tokens,
      @ForAll @IntRange(min = -1, max = 50) int window,
      @ForAll @FloatRange(min = 0.5f, max = 2) float repetition,
      @ForAll @FloatRange(min = -2, max = 2) float presence,
      @ForAll @FloatRange(min = -2, max = 2) float frequency) {
    SamplingParameters parameters =
        SamplingParameters.builder()
            .repetitionWindow(window)
            .repetitionPenalty(repetition)
            .presencePenalty(presence)
            .frequencyPenalty(frequency)
            .build();
    float[] row = new float[VOCABULARY];
    for (int i = 0; i < VOCABULARY; i++) {
      row[i] = logits.get(i);
    }
    int[] log = tokens.stream().mapToInt(Integer::intValue).toArray();
    float[] changed = row.clone();
    int[] counts = new int[VOCABULARY];

    Penalties.apply(changed, parameters, log, log.length, counts);

    int[] seen =
        window < 0 ? log : Arrays.copyOfRange(log, Math.max(0, log.length - window), log.length);
    for (int id = 0; id < VOCABULARY; id++) {
      int token = id;
      long count = Arrays.stream(seen).filter(t -> t == token).count();
      double expected = row[id];
      if (count > 0) {
        expected = expected > 0 ? expected / repetition : expected * repetition;
        expected -= presence + count * frequency;
      }
      assertThat((double) changed[id]).isCloseTo(expected, within(1e-4));
    }
    assertThat(counts).containsOnly(0);
  }

  @Example
  void shouldLookAtTheValidPartOfTheLogOnly() {
    SamplingParameters parameters =
        SamplingParameters.builder().presencePenalty(1).repetitionWindow(-1).build();
    float[] row = new float[3];
    Penalties.apply(row, parameters, new int[] {0, 1, 2}, 1, new int[3]);
    assertThat(row).containsExactly(-1, 0, 0);
  }

  @Example
  void shouldKeepBannedTokensBannedAndOthersFinite() {
    SamplingParameters parameters =
        SamplingParameters.builder()
            .repetitionPenalty(1e-30f)
            .presencePenalty(-Float.MAX_VALUE)
            .frequencyPenalty(-Float.MAX_VALUE)
            .build();
    float[] row = {Float.NEGATIVE_INFINITY, 3e38f};
    Penalties.apply(row, parameters, new int[] {0, 1, 1}, 3, new int[2]);
    assertThat(row).containsExactly(Float.NEGATIVE_INFINITY, Float.MAX_VALUE);
  }
}
