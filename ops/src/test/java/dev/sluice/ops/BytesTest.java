package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BytesTest {
  @ParameterizedTest
  @CsvSource({"4096,4096", "1k,1024", "1.5 KiB,1536", "512m,536870912", "12G,12884901888"})
  void shouldReadSizesAsPeopleWriteThem(String text, long bytes) {
    assertThat(Bytes.parse(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "g", "-1g", "1x", "1e9", "999999999999999t"})
  void shouldRefuseWhatIsNoSize(String text) {
    assertThatThrownBy(() -> Bytes.parse(text)).isInstanceOf(CommandException.class);
  }

  @Test
  void shouldWriteSizesWithUnits() {
    assertThat(Bytes.text(17)).isEqualTo("17 B");
    assertThat(Bytes.text(1 << 20)).isEqualTo("1.00 MiB");
  }
}
