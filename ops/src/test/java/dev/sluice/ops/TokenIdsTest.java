package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TokenIdsTest {
  @Test
  void shouldReadIdsWithCommasAndSpaces() {
    assertThat(TokenIds.parse(" 1,2, 3\n4 ", 5)).containsExactly(1, 2, 3, 4);
    assertThat(TokenIds.parse("", 5)).isEmpty();
  }

  @Test
  void shouldNameTheIdThatIsNone() {
    assertThatThrownBy(() -> TokenIds.parse("1,x", 5)).hasMessageContaining("'x'");
    assertThatThrownBy(() -> TokenIds.parse("1,5", 5))
        .hasMessageContaining("5")
        .hasMessageContaining("0..4");
    assertThatThrownBy(() -> TokenIds.parse("-1", 5)).isInstanceOf(CommandException.class);
  }
}
