package dev.sluice.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GgufSplitTest {
  @TempDir private Path folder;

  @Test
  void shouldOpenAllPartsWhicheverIsNamed() {
    List<Path> parts = tensors(5, 0).string("general.name", "split").writeSplit(folder, "model", 3);
    assertThat(parts)
        .extracting(part -> part.getFileName().toString())
        .containsExactly(
            "model-00001-of-00003.gguf", "model-00002-of-00003.gguf", "model-00003-of-00003.gguf");
    for (Path part : parts) {
      try (GgufFile file = GgufFile.open(part)) {
        assertThat(file.path()).isEqualTo(parts.getFirst());
        assertThat(file.metadata().string("general.name")).isEqualTo("split");
        assertThat(file.tensors())
            .extracting(GgufTensor::name)
            .containsExactly("t0", "t1", "t2", "t3", "t4");
        assertThat(file.tensor("t4").file()).isEqualTo(parts.get(2));
        assertThat(file.tensor("t4").data().get(GgufReader.FLOAT, 0)).isEqualTo(4);
      }
    }
  }

  @Test
  void shouldOpenPartsNamedRelativeToTheWorkingFolder() {
    Path part = tensors(2, 0).writeSplit(folder, "model", 2).getLast();
    Path relative = Path.of("").toAbsolutePath().relativize(part);
    try (GgufFile file = GgufFile.open(relative)) {
      assertThat(file.tensors()).hasSize(2);
    }
  }

  @Test
  void shouldNameAMissingPart() throws IOException {
    List<Path> parts = tensors(5, 0).writeSplit(folder, "model", 3);
    Files.delete(parts.get(1));
    assertThatThrownBy(() -> GgufFile.open(parts.getLast()))
        .isInstanceOf(ModelFileException.class)
        .hasMessage(
            parts.get(1)
                + ": part 2 of 3 of the model is missing; put it beside model-00003-of-00003.gguf");
  }

  @Test
  void shouldRefuseAPartOfAnotherName() throws IOException {
    List<Path> parts = tensors(4, 0).writeSplit(folder, "model", 2);
    Path renamed = folder.resolve("mine.gguf");
    Files.move(parts.getFirst(), renamed);
    assertThatThrownBy(() -> GgufFile.open(renamed))
        .isInstanceOf(ModelFileException.class)
        .hasMessageContaining("is part 1 of 2")
        .hasMessageContaining("-00001-of-00002.gguf");
  }

  @Test
  void shouldRefusePartsInEachOthersPlace() throws IOException {
    List<Path> parts = tensors(4, 0).writeSplit(folder, "model", 3);
    Files.copy(parts.get(1), parts.get(2), StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> GgufFile.open(parts.getFirst()))
        .isInstanceOf(ModelFileException.class)
        .hasMessageStartingWith(parts.get(2).toString())
        .hasMessageContaining("is named as part 3 of 3");
  }

  @Test
  void shouldRefusePartsOfDifferentModels() throws IOException {
    Path other = Files.createDirectory(folder.resolve("other"));
    List<Path> parts = tensors(4, 0).writeSplit(folder, "model", 2);
    List<Path> others = tensors(9, 10).writeSplit(other, "model", 2);
    Files.copy(others.get(1), parts.get(1), StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> GgufFile.open(parts.getFirst()))
        .isInstanceOf(ModelFileException.class)
        .hasMessageContaining("'split.tensors.count' is 4, but the 2 parts hold 7 tensors");
  }

  @Test
  void shouldRefuseATensorThatTwoPartsHold() throws IOException {
    Path other = Files.createDirectory(folder.resolve("other"));
    List<Path> parts = tensors(4, 0).writeSplit(folder, "model", 2);
    List<Path> others = tensors(4, -2).writeSplit(other, "model", 2);
    Files.copy(others.get(1), parts.get(1), StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> GgufFile.open(parts.getFirst()))
        .isInstanceOf(ModelFileException.class)
        .hasMessageContaining("tensor 't0' is there a second time");
  }

  @Test
  void shouldRefuseAnAbsurdNumberOfParts() {
    Path path = folder.resolve("model.gguf");
    tensors(1, 0)
        .integer("split.count", GgufValueType.UINT64, Long.MAX_VALUE)
        .integer("split.no", GgufValueType.UINT16, 0)
        .write(path);
    assertThatThrownBy(() -> GgufFile.open(path))
        .isInstanceOf(ModelFileException.class)
        .hasMessageContaining("key 'split.count' is 9223372036854775807")
        .hasMessageContaining("offset");
  }

  /** A model of so many tensors, named from {@code first} on. */
  private static GgufWriter tensors(int count, int first) {
    GgufWriter writer = new GgufWriter().string("general.architecture", "llama");
    for (int i = 0; i < count; i++) {
      writer.tensor("t" + (first + i), new float[] {i, i}, 2);
    }
    return writer;
  }
}
