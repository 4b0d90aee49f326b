package dev.sluice.stages.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.domains.Domain;

class LogSumExpTest {
  @Property
  @Domain(RowArbitraries.class)
  void shouldEqualThePlainFormula(@ForAll float[] row) {
    double sum = 0;
    for (float logit : row) {
      sum += StrictMath.exp(logit);
    }
    assertThat(LogSumExp.of(row, row.length, max(row)))
        .isCloseTo(StrictMath.log(sum), within(1e-12));
  }

  @Example
  void shouldNotOverflowOrVanish() {
    assertThat(LogSumExp.of(new float[] {3e38f, 3e38f}, 2, 3e38f)).isEqualTo(3e38f, within(1e31));
    assertThat(LogSumExp.of(new float[] {-3e38f}, 1, -3e38f)).isEqualTo(-3e38f);
    assertThat(LogSumExp.of(new float[] {-3e38f, 3e38f, 0}, 3, 3e38f)).isEqualTo(3e38f);
  }

  private static float max(float[] row) {
    float max = row[0];
    for (float logit : row) {
      max = Math.max(max, logit);
    }
    return max;
  }
}
