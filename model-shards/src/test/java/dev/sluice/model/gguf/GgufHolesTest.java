package dev.sluice.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of which only a beginning, and some tensors, are there; the rest is zeros. */
final class GgufHolesTest {
  @TempDir private Path folder;
  private Path whole;
  private Path holed;
  private byte[] bytes;
  private final AtomicInteger closed = new AtomicInteger();

  @BeforeEach
  void write() throws IOException {
    whole = folder.resolve("whole.gguf");
    holed = folder.resolve("holed.gguf");
    new GgufWriter()
        .string("general.architecture", "llama")
        .string("general.name", "a name of some length")
        .strings("tokenizer.ggml.tokens", List.of("a", "b", "longer than the others", "c"))
        .tensor("first", new float[] {1, 2, 3, 4}, 4)
        .tensor("second", new float[] {5, 6, 7, 8}, 4)
        .write(whole);
    bytes = Files.readAllBytes(whole);
  }

  @Test
  void shouldSayWhereTheHeaderEndsHoweverMuchOfItIsThere() throws IOException {
    long header;
    try (GgufFile file = GgufFile.open(whole)) {
      header = file.tensor("first").offset();
    }
    int opened = 0;
    for (int known = 0; known <= header; known++) {
      Files.write(holed, Arrays.copyOf(Arrays.copyOf(bytes, known), bytes.length));
      int there = known;
      try (GgufFile file = GgufFile.open(holed, presence(known))) {
        opened++;
        assertThat(file.tensors()).hasSize(2);
        assertThatThrownBy(() -> file.tensor("first").data())
            .isInstanceOf(MissingBytesException.class)
            .hasMessageContaining("tensor 'first' is not there");
      } catch (MissingBytesException e) {
        assertThat(e.from()).as("%d bytes are there", known).isIn(0L, (long) there);
        assertThat(e.file()).isEqualTo(holed);
      }
    }
    assertThat(opened).as("the header without what fills it up").isBetween(1, 32);
    assertThat(closed).hasValue((int) header + 1);
  }

  @Test
  void shouldGiveTheTensorsThatAreThere() throws IOException {
    Files.copy(whole, holed);
    long second;
    try (GgufFile file = GgufFile.open(whole)) {
      second = file.tensor("second").offset();
    }
    try (GgufFile file = GgufFile.open(holed, presence(second + 8))) {
      assertThat(file.tensor("first").data().get(GgufReader.FLOAT, 4)).isEqualTo(2);
      assertThat(file.tensor("second").bytes()).isEqualTo(16);
      assertThatThrownBy(() -> file.tensor("second").data())
          .isInstanceOf(MissingBytesException.class);
    }
    assertThat(closed).hasValue(1);
  }

  private Presence presence(long known) {
    return new Presence() {
      @Override
      public long leading(Path file) {
        return known;
      }

      @Override
      public boolean has(Path file, long offset, long count) {
        return offset + count <= known;
      }

      @Override
      public void close() {
        closed.incrementAndGet();
      }
    };
  }
}
