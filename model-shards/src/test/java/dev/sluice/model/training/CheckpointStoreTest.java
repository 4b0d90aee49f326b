package dev.sluice.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.training.CheckpointStore.Checkpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CheckpointStoreTest {
  @TempDir private Path temporary = Path.of("");
  private final List<String> warnings = new ArrayList<>();

  /** A disk with room for so many bytes. */
  private static final class SmallDisk implements CheckpointStore.Disk {
    private long free;

    SmallDisk(long free) {
      this.free = free;
    }

    @Override
    public CheckpointStore.NewFile create(Path file) throws IOException {
      CheckpointStore.NewFile real = CheckpointStore.Disk.REAL.create(file);
      return new CheckpointStore.NewFile() {
        @Override
        public int write(ByteBuffer bytes) throws IOException {
          int room = (int) Math.min(free, bytes.remaining());
          if (room == 0 && bytes.hasRemaining()) {
            throw new IOException("No space left on device");
          }
          free -= room;
          ByteBuffer fitting = bytes.slice(bytes.position(), room);
          bytes.position(bytes.position() + room);
          while (fitting.hasRemaining()) {
            int _ = real.write(fitting);
          }
          return room;
        }

        @Override
        public void force() throws IOException {
          real.force();
        }

        @Override
        public boolean isOpen() {
          return real.isOpen();
        }

        @Override
        public void close() throws IOException {
          real.close();
        }
      };
    }
  }

  @Test
  void shouldKeepTheLastOnes() throws IOException {
    try (CheckpointStore store = CheckpointStore.open(folder(), 2)) {
      for (long step = 100; step <= 500; step += 100) {
        store.save(step, checkpoint(step));
      }
      assertThat(store.latest(warnings::add)).contains(new Checkpoint(500, file(500)));
    }
    assertThat(names())
        .containsExactly(
            ".lock",
            "step-000000400.gguf",
            "step-000000400.gguf.sha256",
            "step-000000500.gguf",
            "step-000000500.gguf.sha256");
    try (GgufFile file = GgufFile.open(file(500))) {
      assertThat(file.metadata().integer("step")).isEqualTo(500);
    }
    assertThat(warnings).isEmpty();
  }

  @Test
  void shouldWriteHashesThatOtherToolsCheck() throws Exception {
    save(7);
    Process check;
    try {
      check =
          new ProcessBuilder("sha256sum", "-c", "--strict", "step-000000007.gguf.sha256")
              .directory(folder().toFile())
              .redirectErrorStream(true)
              .start();
    } catch (IOException _) {
      assumeThat(false).as("there is no sha256sum here").isTrue();
      return;
    }
    assertThat(new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("OK");
    assertThat(check.waitFor()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"flipped bit", "cut short", "longer", "no hash", "empty hash", "hash of another"})
  void shouldPassOverWhatIsDamaged(String damage) throws IOException {
    save(1);
    save(2);
    Path hash = hashFile(2);
    byte[] bytes = Files.readAllBytes(file(2));
    switch (damage) {
      case "flipped bit" -> {
        bytes[bytes.length / 2] ^= 4;
        Files.write(file(2), bytes);
      }
      case "cut short" -> Files.write(file(2), Arrays.copyOf(bytes, bytes.length - 1));
      case "longer" -> Files.write(file(2), Arrays.copyOf(bytes, bytes.length + 1));
      case "no hash" -> Files.delete(hash);
      case "empty hash" -> Files.writeString(hash, "");
      default -> Files.copy(hashFile(1), hash, StandardCopyOption.REPLACE_EXISTING);
    }
    assertThat(CheckpointStore.latest(folder(), warnings::add))
        .contains(new Checkpoint(1, file(1)));
    assertThat(warnings).singleElement().asString().contains("step-000000002.gguf", "passed over");
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> CheckpointStore.verify(file(2)))
        .withMessageContaining("step-000000002.gguf");
    CheckpointStore.verify(file(1));
  }

  @Test
  void shouldLeaveNothingHalfWrittenOnAFullDisk() throws IOException {
    save(1);
    long whole = Files.size(file(1)) + Files.size(hashFile(1));
    List<String> before = names();
    for (long free = 0; free < whole; free += 13) {
      try (CheckpointStore store = CheckpointStore.open(folder(), 1, new SmallDisk(free))) {
        assertThatExceptionOfType(ModelFileException.class)
            .as("%d bytes are free", free)
            .isThrownBy(() -> store.save(2, checkpoint(2)))
            .withMessageContaining("step-000000002.gguf")
            .withMessageContaining("No space left on device")
            .withMessageContaining("the last good one is step-000000001.gguf");
      }
      assertThat(names()).isEqualTo(before);
    }
    try (CheckpointStore store = CheckpointStore.open(folder(), 1, new SmallDisk(whole))) {
      store.save(2, checkpoint(2));
      assertThat(store.latest(warnings::add)).contains(new Checkpoint(2, file(2)));
    }
  }

  @Test
  void shouldKeepTheGoodOneOfTheSameStepOnAFullDisk() {
    save(1);
    try (CheckpointStore store = CheckpointStore.open(folder(), 1, new SmallDisk(50))) {
      assertThatExceptionOfType(ModelFileException.class)
          .isThrownBy(() -> store.save(1, checkpoint(1)));
      assertThat(store.latest(warnings::add)).contains(new Checkpoint(1, file(1)));
    }
  }

  @Test
  void shouldClearAwayWhatAKilledProcessLeft() throws IOException {
    save(1);
    List<String> before = names();
    Files.writeString(folder().resolve("step-000000002.gguf.tmp"), "half");
    Files.writeString(folder().resolve("step-000000002.gguf.sha256.tmp"), "");
    try (CheckpointStore store = CheckpointStore.open(folder(), 1)) {
      assertThat(store.latest(warnings::add)).contains(new Checkpoint(1, file(1)));
    }
    assertThat(names()).isEqualTo(before);
  }

  @Test
  void shouldGoOnBeforeADamagedOneAndReplaceIt() throws IOException {
    for (long step = 1; step <= 3; step++) {
      save(step);
    }
    Files.writeString(file(3), "damaged");
    try (CheckpointStore store = CheckpointStore.open(folder(), 2)) {
      assertThat(store.latest(warnings::add)).contains(new Checkpoint(2, file(2)));
      store.save(3, checkpoint(3));
      assertThat(store.latest(warnings::add)).contains(new Checkpoint(3, file(3)));
    }
    assertThat(file(1)).doesNotExist();
    assertThat(file(2)).exists();
  }

  @Test
  void shouldNotCountStepsBeyondTheOneWritten() {
    save(10);
    save(20);
    try (CheckpointStore store = CheckpointStore.open(folder(), 1)) {
      store.save(5, checkpoint(5));
    }
    assertThat(Stream.of(5L, 10L, 20L).map(this::file)).allMatch(Files::exists);
  }

  @Test
  void shouldLetOneTrainingWrite() {
    try (CheckpointStore _ = CheckpointStore.open(folder(), 1)) {
      assertThatExceptionOfType(ModelFileException.class)
          .isThrownBy(() -> CheckpointStore.open(folder(), 1))
          .withMessageContaining("another training");
    }
    CheckpointStore.open(folder(), 1).close();
  }

  @Test
  void shouldIgnoreFilesOfOthers() throws IOException {
    save(1);
    Files.writeString(folder().resolve("step-2.gguf"), "x");
    Files.writeString(folder().resolve("step-99999999999999999999.gguf"), "x");
    Files.writeString(folder().resolve("notes.txt.tmp"), "x");
    CheckpointStore.open(folder(), 1).close();
    assertThat(CheckpointStore.latest(folder(), warnings::add)).map(Checkpoint::step).contains(1L);
    assertThat(folder().resolve("notes.txt.tmp")).exists();
    assertThat(warnings).isEmpty();
  }

  @Test
  void shouldFindNoneInAnEmptyFolder() throws IOException {
    Files.createDirectories(folder());
    assertThat(CheckpointStore.latest(folder(), warnings::add)).isEqualTo(Optional.empty());
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> CheckpointStore.latest(temporary.resolve("none"), warnings::add))
        .withMessageContaining("none");
    assertThatIllegalArgumentException().isThrownBy(() -> CheckpointStore.open(folder(), 0));
    try (CheckpointStore store = CheckpointStore.open(folder(), 1)) {
      assertThatIllegalArgumentException().isThrownBy(() -> store.save(-1, checkpoint(1)));
    }
  }

  private void save(long step) {
    try (CheckpointStore store = CheckpointStore.open(folder(), 9)) {
      store.save(step, checkpoint(step));
    }
  }

  private static GgufWriter checkpoint(long step) {
    float[] values = new float[100];
    values[7] = step;
    return new GgufWriter().uint32("step", step).tensor("t", values, 10, 10);
  }

  private Path folder() {
    return temporary.resolve("checkpoints");
  }

  private Path file(long step) {
    return folder().resolve("step-%09d.gguf".formatted(step));
  }

  private Path hashFile(long step) {
    return folder().resolve("step-%09d.gguf.sha256".formatted(step));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder())) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
