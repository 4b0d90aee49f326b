package dev.sluice.stages.sampling;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Provide;
import net.jqwik.api.domains.DomainContextBase;

/** Rows of logits: some smooth, some with many equal values. */
final class RowArbitraries extends DomainContextBase {
  @Provide
  Arbitrary<float[]> rows() {
    Arbitrary<Float> smooth = Arbitraries.floats().between(-20, 20);
    Arbitrary<Float> coarse = Arbitraries.integers().between(-3, 3).map(Integer::floatValue);
    return Arbitraries.oneOf(row(smooth), row(coarse));
  }

  private static Arbitrary<float[]> row(Arbitrary<Float> logit) {
    return logit.array(float[].class).ofMinSize(1).ofMaxSize(60);
  }
}
