package dev.sluice.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.Fixtures;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class GgufFileTest {
  @TempDir private Path folder;

  @Test
  void shouldOpenEveryFixture() throws IOException {
    for (String kind : List.of("models", "vocabs")) {
      try (Stream<Path> files = Files.list(Fixtures.path(kind))) {
        for (Path path : files.filter(f -> f.toString().endsWith(".gguf")).toList()) {
          try (GgufFile file = GgufFile.open(path)) {
            assertThat(file.version()).isEqualTo(3);
            assertThat(file.bytes()).isEqualTo(Files.size(path));
            assertThat(file.path()).isEqualTo(path);
            assertThat(file.tensors().isEmpty()).isEqualTo(kind.equals("vocabs"));
            int tokens = file.metadata().length("tokenizer.ggml.tokens");
            assertThat(file.metadata().strings("tokenizer.ggml.tokens")).hasSize(tokens);
            assertThat(file.metadata().integers("tokenizer.ggml.token_type")).hasSize(tokens);
          }
        }
      }
    }
  }

  @Test
  void shouldReadTheShapeOfAModelOfMixedTypes() {
    Path path = Fixtures.path("models/llama256-q4_k_m.gguf");
    try (GgufFile file = GgufFile.open(path)) {
      GgufTensor query = file.tensor("blk.0.attn_q.weight");
      assertThat(query.columns()).isEqualTo(256);
      assertThat(query.rows()).isEqualTo(256);
      assertThat(query.type()).isEqualTo(GgmlType.Q4_K);
      assertThat(query.data().byteSize()).isEqualTo(GgmlType.Q4_K.bytesFor(256 * 256));
      assertThat(query.data().isReadOnly()).isTrue();
      Set<GgmlType> types = EnumSet.noneOf(GgmlType.class);
      file.tensors().forEach(tensor -> types.add(tensor.type()));
      assertThat(types).contains(GgmlType.F32, GgmlType.Q4_K, GgmlType.Q6_K);
      assertThat(file.metadata().string("general.architecture")).isEqualTo("llama");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void shouldReadBothVersions(int version) {
    Path path = folder.resolve("model.gguf");
    sample().version(version).write(path);
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.version()).isEqualTo(version);
      assertThat(file.metadata().string("general.name")).isEqualTo("sample");
      assertThat(file.tensor("b").data().get(GgufReader.FLOAT, 4)).isEqualTo(6);
    }
  }

  @Test
  void shouldReadAVocabularyWithoutTensors() {
    Path path = folder.resolve("vocab.gguf");
    new GgufWriter().strings("tokenizer.ggml.tokens", List.of("a", "", "日本")).write(path);
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.tensors()).isEmpty();
      assertThat(file.metadata().strings("tokenizer.ggml.tokens")).containsExactly("a", "", "日本");
    }
  }

  @Test
  void shouldGiveTokensThatAreNoUtf8AsBytes() {
    Path path = folder.resolve("vocab.gguf");
    byte[] half = {(byte) 0xE6, (byte) 0x97};
    new GgufWriter().byteStrings("tokens", List.of(half, new byte[0])).write(path);
    try (GgufFile file = GgufFile.open(path)) {
      byte[][] tokens = file.metadata().byteStrings("tokens");
      assertThat(tokens[0]).isEqualTo(half);
      assertThat(tokens[1]).isEmpty();
      assertThat(file.metadata().strings("tokens").getFirst()).isEqualTo("\uFFFD");
    }
  }

  @Test
  void shouldReachDataBeyondTwoGibibytes() throws IOException {
    long rows = 3L << 18; // of 1024 floats: 3 GiB, sparse on disk
    long offset = 1L << 20;
    byte[] header =
        new GgufEncoder()
            .bytes("GGUF".getBytes(StandardCharsets.US_ASCII))
            .int32(3)
            .int64(1)
            .int64(1)
            .string(GgufPart.ALIGNMENT_KEY)
            .type(GgufValueType.UINT32)
            .int32((int) offset)
            .string("big")
            .int32(2)
            .int64(1024)
            .int64(rows)
            .int32(GgmlType.F32.id())
            .int64(0)
            .toBytes();
    Path path = folder.resolve("big.gguf");
    try (RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw")) {
      out.write(header);
      out.setLength(offset + rows * 4096);
      out.seek(offset + rows * 4096 - 4);
      out.writeInt(Integer.reverseBytes(Float.floatToIntBits(2.5f)));
    }
    try (GgufFile file = GgufFile.open(path)) {
      MemorySegment data = file.tensor("big").data();
      assertThat(data.byteSize()).isEqualTo(3L << 30);
      assertThat(data.get(GgufReader.FLOAT, data.byteSize() - 4)).isEqualTo(2.5f);
      assertThat(data.get(GgufReader.FLOAT, data.byteSize() - 8)).isEqualTo(0);
    }
  }

  @Test
  void shouldOpenALargeVocabularyWithoutDecodingIt() {
    Path path = folder.resolve("vocab.gguf");
    List<String> tokens = Stream.iterate(0, i -> i + 1).limit(128_000).map(i -> "t" + i).toList();
    float[] scores = new float[tokens.size()];
    new GgufWriter().strings("tokens", tokens).float32s("scores", scores).write(path);
    GgufFile.open(path).close();
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    GgufFile.open(path).close();
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(64 * 1024);
  }

  @Test
  void shouldNameFileAndTensorOrKeyThatIsMissing() {
    Path path = folder.resolve("model.gguf");
    sample().write(path);
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.find("c")).isEmpty();
      assertThatThrownBy(() -> file.tensor("c"))
          .isInstanceOf(ModelFileException.class)
          .hasMessage(path + ": tensor 'c' is missing");
      assertThatThrownBy(() -> file.metadata().integer("llama.layers"))
          .hasMessage(path + ": key 'llama.layers' is missing");
      assertThatThrownBy(() -> file.metadata().integer("general.name"))
          .isInstanceOf(ModelFileException.class)
          .hasMessageContaining("key 'general.name' is of type STRING, where an integer is needed");
      assertThatThrownBy(() -> file.metadata().strings("general.name"))
          .hasMessageContaining("where an array of strings is needed");
    }
  }

  @Test
  void shouldRefuseUseAfterClose() {
    Path path = folder.resolve("model.gguf");
    sample().write(path);
    GgufFile file = GgufFile.open(path);
    MemorySegment data = file.tensor("a").data();
    file.close();
    file.close();
    assertThatIllegalStateException().isThrownBy(() -> data.get(ValueLayout.JAVA_BYTE, 0));
    assertThatIllegalStateException().isThrownBy(() -> file.metadata().string("general.name"));
  }

  @Test
  void shouldReadFromBytesWhatItReadsFromTheFile() throws IOException {
    Path path = Fixtures.path("models/llama256-q4_k_m.gguf");
    byte[] bytes = Files.readAllBytes(path);
    Path name = Path.of("in-memory.gguf");
    try (GgufFile mapped = GgufFile.open(path);
        GgufFile copied = GgufFile.of(name, bytes)) {
      assertThat(copied.path()).isEqualTo(name);
      assertThat(copied.bytes()).isEqualTo(mapped.bytes());
      assertThat(copied.metadata().keys()).isEqualTo(mapped.metadata().keys());
      for (GgufTensor tensor : mapped.tensors()) {
        GgufTensor copy = copied.tensor(tensor.name());
        assertThat(copy.data().mismatch(tensor.data())).as(tensor.name()).isEqualTo(-1);
        assertThat(copy.data().isReadOnly()).isTrue();
      }
    }
    assertThatThrownBy(() -> GgufFile.of(name, new byte[3])).hasMessageContaining("is no GGUF");
    assertThatThrownBy(() -> GgufFile.of(name, Arrays.copyOf(bytes, 20)))
        .hasMessageContaining("20 of 24 bytes");
    assertThatThrownBy(() -> GgufFile.of(name, Arrays.copyOf(bytes, bytes.length - 1)))
        .hasMessageContaining("cut short");
  }

  @Test
  void shouldKeepDataReadOnly() {
    Path path = folder.resolve("model.gguf");
    sample().write(path);
    try (GgufFile file = GgufFile.open(path)) {
      MemorySegment data = file.tensor("a").data();
      assertThatThrownBy(() -> data.set(ValueLayout.JAVA_BYTE, 0, (byte) 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  static GgufWriter sample() {
    return new GgufWriter()
        .string("general.architecture", "llama")
        .string("general.name", "sample")
        .uint32("llama.block_count", 2)
        .tensor("a", new float[] {1, 2, 3, 4}, 2, 2)
        .tensor("b", new float[] {5, 6, 7}, 3);
  }
}
