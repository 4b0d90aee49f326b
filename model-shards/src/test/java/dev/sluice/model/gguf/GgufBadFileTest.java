package dev.sluice.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One clear error for each way in which a file can be bad. */
final class GgufBadFileTest {
  @TempDir private Path folder;

  @Test
  void shouldRefuseWhatIsNoFile() {
    Path missing = folder.resolve("none.gguf");
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> GgufFile.open(missing))
        .withMessage(missing + ": there is no such file");
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> GgufFile.open(folder))
        .withMessageContaining("no regular file");
  }

  @Test
  void shouldRefuseAWrongMagic() {
    refused(new byte[0], 0, "is no GGUF file", "it is empty");
    refused(ascii("PK\3\4 and so on"), 0, "it starts with 'PK\\u0003\\u0004', not 'GGUF'");
    refused(ascii("version https://git-lfs.github.com/spec/v1"), 0, "Git LFS pointer");
    refused(ascii("tjgg............................"), 0, "older GGML format");
    refused(ascii("GGUF\3\0\0"), 7, "the file ends in its header");
  }

  @Test
  void shouldRefuseVersionsThatAreNotSupported() {
    refused(header(1, 0, 0), 4, "version 1; versions 2 and 3 are supported");
    refused(header(4, 0, 0), 4, "version 4; versions 2 and 3 are supported");
    refused(header(Integer.reverseBytes(3), 0, 0), 4, "is a big-endian GGUF file");
  }

  @Test
  void shouldRefuseCountsBeyondTheFile() {
    refused(header(3, -1, 0), 8, "the number of tensors is 18446744073709551615");
    refused(header(3, 1, 0), 8, "the number of tensors is 1, more than the 8 bytes");
    refused(header(3, 0, 1L << 40), 16, "the number of metadata keys is 1099511627776");
  }

  @Test
  void shouldRefuseTooManyKeys() {
    byte[] start = header(3, 0, GgufPart.MAX_KEYS + 1);
    byte[] file = Arrays.copyOf(start, start.length + 14 * (GgufPart.MAX_KEYS + 1));
    refused(file, 16, "the number of metadata keys is 65537, more than the 65536");
  }

  @Test
  void shouldRefuseBadKeys() {
    refused(
        key("k", GgufValueType.UINT64).int32(0),
        37,
        "the file ends in key 'k': 8 bytes are needed");
    refused(key("", GgufValueType.UINT32).int64(0), 32, "the name of key 0 is empty");
    GgufEncoder notUtf8 = new GgufEncoder().bytes(header(3, 0, 1));
    refused(
        notUtf8.string(new byte[] {'a', (byte) 0xFF}).int64(0).int64(0), 32, "key 0", "not UTF-8");
    GgufEncoder longName = new GgufEncoder().bytes(header(3, 0, 1)).int64(1L << 33).int64(0);
    refused(longName, 24, "the length of the name of key 0 is 8589934592");
    GgufEncoder unknown = new GgufEncoder().bytes(header(3, 0, 1)).string("k").int32(13).int64(0);
    refused(unknown, 33, "the type of key 'k' is 13; known are 0 to 12");
    GgufEncoder bool = key("k", GgufValueType.BOOL).bytes(new byte[] {2});
    refused(bool, 37, "key 'k' is a BOOL of value 2");
  }

  @Test
  void shouldRefuseAKeyThatIsThereTwice() {
    GgufEncoder twice = new GgufEncoder().bytes(header(3, 0, 2));
    for (int i = 0; i < 2; i++) {
      twice.string("k").type(GgufValueType.UINT32).int32(i);
    }
    refused(twice, 41, "key 'k' is there twice");
  }

  @Test
  void shouldRefuseStringsBeyondTheFile() {
    refused(
        key("k", GgufValueType.STRING).int64(100).bytes(new byte[99]),
        37,
        "the length of string 0 of key 'k' is 100 bytes, but 99 are left");
    refused(
        key("k", GgufValueType.STRING).int64(-5).bytes(new byte[9]),
        37,
        "key 'k' is 18446744073709551611 bytes");
    refused(
        array("k", GgufValueType.STRING, 3).string("a").string("b").int64(7).bytes(new byte[6]),
        67,
        "string 2 of key 'k'");
  }

  @Test
  void shouldRefuseArraysBeyondTheFile() {
    refused(
        array("k", GgufValueType.INT32, 3).int64(0),
        41,
        "the number of elements of key 'k' is 3, more than the 8 bytes behind it can hold");
    refused(array("k", GgufValueType.STRING, Long.MAX_VALUE).int64(0), 41, "key 'k'");
    refused(array("k", GgufValueType.UINT8, -1).int64(0), 41, "18446744073709551615");
  }

  @Test
  void shouldRefuseArraysNestedTooDeeply() {
    GgufEncoder nested = key("k", GgufValueType.ARRAY);
    for (int i = 0; i < 100_000; i++) {
      nested.type(GgufValueType.ARRAY).int64(1);
    }
    refused(nested, 37 + 12 * GgufReader.MAX_ARRAY_DEPTH, "key 'k' nests arrays deeper than the 4");
  }

  @Test
  void shouldStepOverArraysNestedAsDeepAsSupported() throws IOException {
    GgufEncoder nested = key("k", GgufValueType.ARRAY);
    nested.type(GgufValueType.ARRAY).int64(2);
    nested.type(GgufValueType.STRING).int64(1).string("a");
    nested.type(GgufValueType.UINT16).int64(2).int32(0);
    Path path = Files.write(folder.resolve("nested.gguf"), nested.toBytes());
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.metadata().length("k")).isEqualTo(2);
      assertThatExceptionOfType(ModelFileException.class)
          .isThrownBy(() -> file.metadata().strings("k"))
          .withMessageContaining("ARRAY of ARRAY");
    }
  }

  @Test
  void shouldRefuseBadAlignments() {
    for (int alignment : new int[] {0, -1, GgufPart.MAX_ALIGNMENT + 1}) {
      refused(
          key(GgufPart.ALIGNMENT_KEY, GgufValueType.INT32).int32(alignment),
          53,
          "key 'general.alignment' is " + alignment);
    }
    refused(
        key(GgufPart.ALIGNMENT_KEY, GgufValueType.STRING).string("32"),
        53,
        "key 'general.alignment' is of type STRING");
  }

  @Test
  void shouldRefuseTypesThatAreNotSupported() {
    refused(tensor("t", 0, 64, 18), 45, "tensor 't' is of GGML type 18 (IQ3_XXS)");
    refused(tensor("t", 0, 64, -7), 45, "tensor 't' is of GGML type 4294967289 (unknown)");
  }

  @Test
  void shouldRefuseAbsurdDimensions() {
    refused(tensor("t", 0, 0, 0), 37, "dimension 0 of tensor 't' is 0, which is absurd");
    refused(tensor("t", 0, -1, 0), 37, "18446744073709551615, which is absurd");
    GgufEncoder overflow = new GgufEncoder().bytes(header(3, 1, 0)).string("t").int32(2);
    overflow.int64(1L << 32).int64(1L << 31).int32(0).int64(0);
    refused(overflow, 45, "dimension 1 of tensor 't' is 2147483648, which is absurd");
    GgufEncoder bytes = new GgufEncoder().bytes(header(3, 1, 0)).string("t").int32(1);
    refused(bytes.int64(1L << 62).int32(0).int64(0), 24, "takes more than 2^63 bytes");
    GgufEncoder rank = new GgufEncoder().bytes(header(3, 1, 0)).string("t").int32(5);
    refused(rank.bytes(new byte[60]), 33, "tensor 't' has 5 dimensions; 1 to 4 are supported");
    refused(tensor("t", 0, 48, 2), 24, "rows of 48 elements, no whole number of Q4_0 blocks of 32");
  }

  @Test
  void shouldRefuseTensorsBeyondTheFile() {
    refused(
        tensor("t", 0, 64, 0).bytes(new byte[200]),
        24,
        "tensor 't' needs 256 bytes at offset 0 of the data, but the data ends at");
    refused(tensor("t", 1L << 62, 4, 0).bytes(new byte[200]), 24, "at offset 4611686018427387904");
    refused(tensor("t", -32, 4, 0).bytes(new byte[200]), 24, "at offset 18446744073709551584");
    refused(tensor("t", 8, 4, 0).bytes(new byte[200]), 24, "no multiple of the alignment 32");
    refused(tensor("t", 0, 4, 0), 24, "but the data ends at 0");
  }

  @Test
  void shouldRefuseTensorsThatOverlap() {
    GgufEncoder overlap = new GgufEncoder().bytes(header(3, 2, 0));
    overlap.string("b").int32(1).int64(4).int32(0).int64(32);
    overlap.string("a").int32(1).int64(10).int32(0).int64(0);
    refused(
        overlap.bytes(new byte[200]),
        24,
        "tensors 'a' and 'b' overlap: the first takes bytes 0 to 40 of the data, the second starts"
            + " at 32");
  }

  @Test
  void shouldRefuseATensorThatIsThereTwice() {
    GgufEncoder twice = new GgufEncoder().bytes(header(3, 2, 0));
    twice.string("a").int32(1).int64(4).int32(0).int64(0);
    twice.string("a").int32(1).int64(4).int32(0).int64(32);
    refused(twice.bytes(new byte[200]), 57, "tensor 'a' is there twice, also at offset 24");
  }

  @Test
  void shouldKeepNamesInMessagesShortAndPrintable() {
    String name = "\u0007" + "x".repeat(5000);
    refused(tensor(name, 0, 64, 18), 5045, "tensor '\\u0007xxxx", "xxx…' is of GGML type 18");
  }

  @Test
  void shouldRefuseAFileCutShortAnywhere() throws IOException {
    Path whole = folder.resolve("whole.gguf");
    GgufFileTest.sample().strings("tokens", List.of("a", "bc")).write(whole);
    byte[] bytes = Files.readAllBytes(whole);
    long dataEnd;
    try (GgufFile file = GgufFile.open(whole)) {
      GgufTensor last = file.tensor("b");
      dataEnd = last.offset() + last.data().byteSize();
    }
    Path cut = folder.resolve("cut.gguf");
    for (int length = 0; length < dataEnd; length++) {
      Files.write(cut, Arrays.copyOf(bytes, length));
      assertThatExceptionOfType(ModelFileException.class)
          .as("cut to %d bytes", length)
          .isThrownBy(() -> GgufFile.open(cut))
          .withMessageStartingWith(cut.toString())
          .withMessageContaining("(at offset ");
    }
  }

  private void refused(GgufEncoder bytes, long offset, String... parts) {
    refused(bytes.toBytes(), offset, parts);
  }

  private void refused(byte[] bytes, long offset, String... parts) {
    Path path = folder.resolve("bad.gguf");
    try {
      Files.write(path, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThatExceptionOfType(ModelFileException.class)
        .isThrownBy(() -> GgufFile.open(path))
        .satisfies(
            e -> {
              assertThat(e).hasMessageStartingWith(path + ": ").hasMessageContainingAll(parts);
              assertThat(e.file()).isEqualTo(path);
              assertThat(e.offset()).as(e.getMessage()).hasValue(offset);
            });
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] header(int version, long tensors, long keys) {
    return new GgufEncoder()
        .bytes(ascii("GGUF"))
        .int32(version)
        .int64(tensors)
        .int64(keys)
        .toBytes();
  }

  private static GgufEncoder key(String key, GgufValueType type) {
    return new GgufEncoder().bytes(header(3, 0, 1)).string(key).type(type);
  }

  private static GgufEncoder array(String key, GgufValueType element, long count) {
    return key(key, GgufValueType.ARRAY).type(element).int64(count);
  }

  private static GgufEncoder tensor(String name, long offset, long columns, int type) {
    return new GgufEncoder()
        .bytes(header(3, 1, 0))
        .string(name)
        .int32(1)
        .int64(columns)
        .int32(type)
        .int64(offset);
  }
}
