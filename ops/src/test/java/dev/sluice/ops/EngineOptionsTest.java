package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.actors.kept.LogLimits;
import org.junit.jupiter.api.Test;

class EngineOptionsTest {
  @Test
  void shouldReadLimitsOfTheActivationLog() {
    assertThat(EngineOptions.activationLog("64m,1g")).isEqualTo(new LogLimits(64L << 20, 1L << 30));
    assertThat(EngineOptions.activationLog("2m")).isEqualTo(new LogLimits(2L << 20, 0));
    assertThat(EngineOptions.activationLog("off").off()).isTrue();
    assertThatThrownBy(() -> EngineOptions.activationLog("much"))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("'much' is no size");
    assertThatThrownBy(() -> EngineOptions.activationLog("0,1g"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
