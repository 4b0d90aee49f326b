package dev.sluice.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sluice.model.Fixtures;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever is done to a header, opening gives a file that is sound or a {@link ModelFileException},
 * and takes little memory.
 */
final class GgufMutationTest {
  private static final long[] TELLING = {
    0,
    1,
    -1,
    2,
    8,
    31,
    127,
    255,
    1 << 16,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 32,
    (1L << 32) + 1,
    1L << 61,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private static final long BASE_ALLOWANCE = 8L << 20;

  private final com.sun.management.ThreadMXBean threads =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

  @Property(tries = 600)
  void shouldSurviveDamageToAFileOfItsOwn(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    Path path = Files.createTempFile("mutation", ".gguf");
    try {
      sample(random).write(path);
      byte[] bytes = Files.readAllBytes(path);
      Files.write(path, mutate(bytes, bytes.length, random));
      Statistics.collect(check(path, seed) ? "opened" : "refused");
    } finally {
      Files.delete(path);
    }
    Statistics.coverage(
        coverage -> {
          coverage.check("opened").percentage(share -> share > 10);
          coverage.check("refused").percentage(share -> share > 30);
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "models/llama-f32.gguf",
        "models/llama256-q4_k_m.gguf",
        "models/gemma3-f32.gguf",
        "vocabs/ggml-vocab-bert-bge.gguf"
      })
  void shouldSurviveDamageToARealHeader(String fixture) throws IOException {
    Path original = Fixtures.path(fixture);
    long size = Files.size(original);
    byte[] header = header(original);
    Path path = Files.createTempFile("mutation", ".gguf");
    try {
      int refused = 0;
      long firstSeed = System.nanoTime();
      for (long seed = firstSeed; seed < firstSeed + 150; seed++) {
        byte[] mutated = mutate(header, Math.min(header.length, 2000), new Random(seed));
        try (RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw")) {
          out.setLength(0);
          out.write(mutated);
          if (mutated.length == header.length) {
            out.setLength(size); // the weights, as a hole
          }
        }
        refused += check(path, seed) ? 0 : 1;
      }
      assertThat(refused).as("files refused from seed %d on", firstSeed).isBetween(20, 149);
    } finally {
      Files.delete(path);
    }
  }

  /** All that stands before the weights. */
  private static byte[] header(Path path) throws IOException {
    long end;
    try (GgufFile file = GgufFile.open(path)) {
      end = file.tensors().stream().mapToLong(GgufTensor::offset).min().orElse(file.bytes());
    }
    byte[] header = new byte[(int) end];
    try (RandomAccessFile in = new RandomAccessFile(path.toFile(), "r")) {
      in.readFully(header);
    }
    return header;
  }

  /** One to three changes: near the start, near the end (the tensors), or anywhere. */
  private static byte[] mutate(byte[] original, int hot, Random random) {
    byte[] bytes = original.clone();
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      int from =
          switch (random.nextInt(3)) {
            case 0 -> random.nextInt(hot);
            case 1 -> original.length - 1 - random.nextInt(hot);
            default -> random.nextInt(original.length);
          };
      if (bytes.length < Long.BYTES) {
        return bytes;
      }
      bytes = change(bytes, Math.min(from, bytes.length - 1), random);
    }
    return bytes;
  }

  private static byte[] change(byte[] bytes, int at, Random random) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long telling = TELLING[random.nextInt(TELLING.length)];
    switch (random.nextInt(6)) {
      case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> bytes[at] = (byte) random.nextInt();
      case 2 -> {
        return Arrays.copyOf(bytes, at);
      }
      case 3 -> buffer.putInt(Math.min(at, bytes.length - 4), (int) telling);
      case 4 -> buffer.putLong(Math.min(at, bytes.length - 8), telling);
      default -> {
        int length = Math.min(1 + random.nextInt(16), bytes.length - at);
        System.arraycopy(bytes, random.nextInt(bytes.length - length + 1), bytes, at, length);
      }
    }
    return bytes;
  }

  /** Whether the file could be opened. */
  private boolean check(Path path, long seed) throws IOException {
    long allowance = BASE_ALLOWANCE + 64 * Math.min(Files.size(path), 2 << 20);
    boolean opened = false;
    long before = threads.getCurrentThreadAllocatedBytes();
    try (GgufFile file = GgufFile.open(path)) {
      readAll(file);
      opened = true;
    } catch (ModelFileException e) {
      assertThat(e).as("seed %d", seed).hasMessageContaining(path.toString());
    } catch (Throwable e) {
      fail("seed " + seed, e);
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before)
        .as("bytes allocated, seed %d", seed)
        .isLessThan(allowance);
    return opened;
  }

  private static void readAll(GgufFile file) {
    for (GgufTensor tensor : file.tensors()) {
      assertThat(tensor.data().byteSize()).isEqualTo(tensor.type().bytesFor(tensor.elements()));
      assertThat(tensor.offset() + tensor.data().byteSize()).isLessThanOrEqualTo(file.bytes());
    }
    for (String key : file.metadata().keys()) {
      try {
        read(file.metadata(), key);
      } catch (ModelFileException e) {
        assertThat(e).hasMessageContaining("key ");
      }
    }
  }

  private static void read(GgufMetadata metadata, String key) {
    Object _ =
        switch (metadata.type(key)) {
          case STRING -> metadata.string(key);
          case BOOL -> metadata.bool(key, false);
          case FLOAT32, FLOAT64 -> metadata.real(key);
          case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> metadata.integer(key);
          case ARRAY ->
              switch (metadata.elementType(key)) {
                case STRING -> metadata.byteStrings(key);
                case BOOL -> metadata.bools(key);
                case FLOAT32, FLOAT64 -> metadata.reals(key);
                default -> metadata.integers(key);
              };
        };
  }

  private static GgufWriter sample(Random random) {
    GgufWriter writer =
        new GgufWriter()
            .version(2 + random.nextInt(2))
            .string("general.architecture", "llama")
            .uint32("llama.block_count", 1)
            .float32("llama.rope.freq_base", 1e4f)
            .bool("tokenizer.ggml.add_bos_token", true)
            .strings("tokenizer.ggml.tokens", List.of("<unk>", "a", "b", "ab"))
            .float32s("tokenizer.ggml.scores", 0, -1, -2, -3)
            .int32s("tokenizer.ggml.token_type", 2, 1, 1, 1)
            .bools("flags", true, false)
            .integer("big", GgufValueType.UINT64, 5);
    if (random.nextBoolean()) {
      writer.alignment(1 << random.nextInt(8));
    }
    if (random.nextInt(8) == 0) {
      writer.integer("split.count", GgufValueType.UINT16, 1);
      writer.integer("split.no", GgufValueType.UINT16, 0);
    }
    return writer
        .tensor("token_embd.weight", new float[64], 16, 4)
        .tensor("blk.0.attn_q.weight", GgmlType.Q8_0, new float[64], 32, 2)
        .tensor("output_norm.weight", new float[16], 16);
  }
}
