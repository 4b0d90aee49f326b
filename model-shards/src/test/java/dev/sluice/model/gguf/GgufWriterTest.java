package dev.sluice.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GgufWriterTest {
  @TempDir private Path folder;

  @Property(tries = 200)
  void shouldGiveBackTensorsOfAnyTypeAndAlignment(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 300) int alignment,
      @ForAll @IntRange(min = 1, max = 5) int parts)
      throws IOException {
    Random random = new Random(seed);
    GgufWriter writer =
        new GgufWriter().version(2 + random.nextInt(2)).alignment(alignment).string("k", "v");
    List<byte[]> data = new ArrayList<>();
    int tensors = 1 + random.nextInt(8);
    List<GgmlType> types = List.of(GgmlType.values());
    for (int i = 0; i < tensors; i++) {
      GgmlType type = types.get(random.nextInt(types.size()));
      long columns = type.blockSize() * (1L + random.nextInt(3));
      long rows = 1L + random.nextInt(3);
      byte[] bytes = new byte[(int) type.bytesFor(columns * rows)];
      random.nextBytes(bytes);
      data.add(bytes);
      writer.tensor("t" + i, type, bytes, columns, rows);
    }
    Path target = Files.createTempDirectory("writer");
    try {
      List<Path> files = writer.writeSplit(target, "m", parts);
      try (GgufFile file = GgufFile.open(files.get(random.nextInt(parts)))) {
        assertThat(file.metadata().string("k")).isEqualTo("v");
        assertThat(file.tensors()).hasSameSizeAs(data);
        for (int i = 0; i < data.size(); i++) {
          GgufTensor tensor = file.tensor("t" + i);
          assertThat(tensor.offset() % alignment).isZero();
          assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data.get(i));
        }
      }
    } finally {
      try (Stream<Path> files = Files.list(target)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(target);
    }
  }

  @Test
  void shouldGiveBackMetadataOfEveryType() {
    Path path = folder.resolve("model.gguf");
    metadata().write(path);
    try (GgufFile file = GgufFile.open(path)) {
      checkMetadata(file.metadata());
    }
  }

  @Test
  void shouldTakeOverMetadataOfAnotherFile() {
    Path path = folder.resolve("model.gguf");
    metadata().alignment(64).write(path);
    Path copy = folder.resolve("copy.gguf");
    try (GgufFile file = GgufFile.open(path)) {
      new GgufWriter().metadata(file.metadata()).string("new", "n").remove("string").write(copy);
      try (GgufFile copied = GgufFile.open(copy)) {
        assertThat(copied.metadata().has(GgufPart.ALIGNMENT_KEY)).isFalse();
        assertThat(copied.metadata().has("string")).isFalse();
        assertThat(copied.metadata().string("new")).isEqualTo("n");
      }
      new GgufWriter().metadata(file.metadata()).write(copy);
    }
    try (GgufFile copied = GgufFile.open(copy)) {
      checkMetadata(copied.metadata());
    }
  }

  private static GgufWriter metadata() {
    GgufWriter writer =
        new GgufWriter()
            .string("string", "größer \uD83D\uDE00")
            .uint32("uint32", 0xFFFF_FFFFL)
            .int32("int32", -5)
            .float32("float32", 1e-5f)
            .bool("bool", true)
            .integer("uint64", GgufValueType.UINT64, -1)
            .real("float64", GgufValueType.FLOAT64, Math.PI)
            .strings("strings", List.of("a", "ü", ""))
            .int32s("int32s", 1, -2)
            .float32s("float32s", 0.5f, -0.25f)
            .bools("bools", true, false)
            .reals("float64s", GgufValueType.FLOAT64, 0.1)
            .strings("none", List.of());
    for (GgufValueType type : GgufValueType.values()) {
      if (type.isInteger()) {
        writer.integer("one " + type, type, 100).integers("many " + type, type, 1, 127, 0);
      }
    }
    return writer;
  }

  private static void checkMetadata(GgufMetadata metadata) {
    assertThat(metadata.string("string")).isEqualTo("größer \uD83D\uDE00");
    assertThat(metadata.integer("uint32")).isEqualTo(0xFFFF_FFFFL);
    assertThat(metadata.integer("int32")).isEqualTo(-5);
    assertThat((float) metadata.real("float32")).isEqualTo(1e-5f);
    assertThat(metadata.real("int32")).isEqualTo(-5);
    assertThat(metadata.bool("bool", false)).isTrue();
    assertThat(metadata.bool("absent", true)).isTrue();
    assertThat(metadata.findInteger("absent")).isEmpty();
    assertThat(metadata.real("float64")).isEqualTo(Math.PI);
    assertThat(metadata.strings("strings")).containsExactly("a", "ü", "");
    assertThat(metadata.integers("int32s")).containsExactly(1, -2);
    assertThat(metadata.reals("float32s")).containsExactly(0.5f, -0.25f);
    assertThat(metadata.reals("float64s")).containsExactly(0.1f);
    assertThat(metadata.bools("bools")).containsExactly(true, false);
    assertThat(metadata.strings("none")).isEmpty();
    for (GgufValueType type : GgufValueType.values()) {
      if (type.isInteger()) {
        assertThat(metadata.type("one " + type)).isEqualTo(type);
        assertThat(metadata.integer("one " + type)).isEqualTo(100);
        assertThat(metadata.elementType("many " + type)).isEqualTo(type);
        assertThat(metadata.integers("many " + type)).containsExactly(1, 127, 0);
      }
    }
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> metadata.integer("uint64"))
        .withMessageContaining("key 'uint64' is 18446744073709551615, too large");
  }

  @Test
  void shouldReplaceAFileWholeOrLeaveIt() throws IOException {
    Path path = folder.resolve("model.gguf");
    Files.writeString(path, "old");
    GgufFileTest.sample().write(path);
    GgufFile.open(path).close();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(path);
    }
    Path nowhere = folder.resolve("none/model.gguf");
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> GgufFileTest.sample().write(nowhere))
        .withMessage(nowhere + ": cannot be written: there is no such folder");
    GgufWriter writer = new GgufWriter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(8);
      writer.tensor("t", GgmlType.F32, data, 2);
    }
    assertThatIllegalStateException().isThrownBy(() -> writer.write(path));
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(path);
    }
  }

  @Test
  void shouldRefuseWhatNoFileCanHold() {
    GgufWriter writer = new GgufWriter().tensor("a", new float[2], 2);
    assertThatIllegalArgumentException().isThrownBy(() -> writer.tensor("a", new float[2], 2));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.tensor("b", new float[2], 3));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.tensor("b", new float[0], 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.tensor("b", GgmlType.Q4_0, new byte[18 * 3], 16, 6));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.tensor("", new float[1], 1));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.uint32("k", -1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.integer("k", GgufValueType.INT8, 128));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.integer("k", GgufValueType.FLOAT32, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.alignment(0));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.version(1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.uint32(GgufPart.ALIGNMENT_KEY, 64));
  }
}
