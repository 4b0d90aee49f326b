package dev.sluice.actors.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.gguf.GgmlType;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class NodeOfferTest {
  @Test
  void shouldRefuseWhatNoNodeHas() {
    assertThatThrownBy(() -> NodeOffer.unmeasured(" ", 1, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> NodeOffer.unmeasured("x".repeat(1000), 1, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> NodeOffer.unmeasured("a", -1, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> NodeOffer.unmeasured("a", 1, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new NodeOffer("a", 1, 1, Map.of(), Map.of("b", -1L)))
        .isInstanceOf(IllegalArgumentException.class);
    for (double speed : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> new KernelRate(speed, 1))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> new KernelRate(1, speed))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldTakeTheSlowestForATypeThatWasNotMeasured() {
    NodeOffer node =
        new NodeOffer(
            "a",
            1,
            4,
            Map.of(GgmlType.Q8_0, new KernelRate(3, 20), GgmlType.F16, new KernelRate(2, 30)),
            Map.of());

    assertThat(node.speed(GgmlType.F16)).isEqualTo(new KernelRate(2, 30));
    assertThat(node.speed(GgmlType.Q4_K)).isEqualTo(new KernelRate(2, 20));
    assertThat(NodeOffer.unmeasured("b", 1, 4).speed(GgmlType.F32))
        .isEqualTo(KernelRate.assumed(4));
  }
}
