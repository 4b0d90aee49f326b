package dev.sluice.model.mill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SluiceMillTest {
  private static final long MAX_BYTES = 8 << 20;

  @Test
  void shouldOpenTheModelThatComesAlong() {
    Optional<GgufFile> model = SluiceMill.open();
    assertThat(SluiceMill.class.getResource(SluiceMill.RESOURCE) != null)
        .isEqualTo(model.isPresent());
    model.ifPresent(
        file -> {
          try (file) {
            assertThat(file.bytes()).isLessThanOrEqualTo(MAX_BYTES);
            assertThat(file.tensors()).isNotEmpty();
            assertThat(file.metadata().has("tokenizer.chat_template")).isTrue();
          }
        });
  }

  @Test
  void shouldSayWhereThereIsNone() {
    assertThat(SluiceMill.open("another-mill.gguf")).isEmpty();
  }

  @Test
  void shouldRefuseWhatIsNoModel() {
    assertThatThrownBy(() -> SluiceMill.open("SluiceMill.class"))
        .isInstanceOf(ModelFileException.class)
        .hasMessageContaining("SluiceMill.class: is no GGUF file");
  }
}
