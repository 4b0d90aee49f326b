package dev.sluice.stages.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;

class ExponentialTest {
  @Property(tries = 5_000)
  void shouldBeWithinTwoUlpOfTheExactValue(@ForAll @DoubleRange(min = -708, max = 0) double x) {
    // StrictMath is itself within 1 ulp.
    double exact = StrictMath.exp(x);
    assertThat(Exponential.exp(x)).isCloseTo(exact, within(3 * Math.ulp(exact)));
  }

  @Example
  void shouldBeExactAtTheEnds() {
    assertThat(Exponential.exp(0)).isEqualTo(1);
    assertThat(Exponential.exp(-0.0)).isEqualTo(1);
    assertThat(Exponential.exp(-709)).isZero();
    assertThat(Exponential.exp(Double.NEGATIVE_INFINITY)).isZero();
    assertThat(Exponential.exp(-708)).isPositive();
  }
}
