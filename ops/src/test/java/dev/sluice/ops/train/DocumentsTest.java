package dev.sluice.ops.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.ops.CommandException;
import dev.sluice.ops.train.Documents.Document;
import dev.sluice.stages.chat.ChatMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DocumentsTest {
  @TempDir private Path folder;

  @Test
  void shouldReadATextFileAsOneDocument() throws IOException {
    Path file = write("a.txt", "Ein Bär.\r\n\r\n\tAm Fluß. 😀");
    assertThat(read(file))
        .containsExactly(new Document("Ein Bär.\r\n\r\n\tAm Fluß. 😀", List.of(), file.toString()));
  }

  @Test
  void shouldReadADocumentALine() throws IOException {
    Path file =
        write(
            "a.jsonl",
            """
            {"text": "one\\nline \\u00e9\\ud83d\\ude00", "source": {"a": [1, 2]}}

            {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": ""}]}
            """);
    assertThat(read(file))
        .containsExactly(
            new Document("one\nline é😀", List.of(), file + ":1"),
            new Document(
                null,
                List.of(new ChatMessage("user", "Hi"), new ChatMessage("assistant", "")),
                file + ":3"));
  }

  @Test
  void shouldReadFilesInTheOrderGivenAndTellHowFarItIs() throws IOException {
    Path first = write("b.txt", "first");
    Path empty = write("c.txt", "");
    Path last = write("a.jsonl", "{\"text\":\"second\"}\r\n{\"text\":\"\"}");
    try (Documents documents = Documents.open(List.of(first, empty, last))) {
      assertThat(documents.bytes()).isEqualTo(5 + 19 + 11);
      assertThat(documents.bytesRead()).isZero();
      assertThat(documents.next().text()).isEqualTo("first");
      assertThat(documents.next().text()).isEqualTo("second");
      assertThat(documents.next().text()).isEmpty();
      assertThat(documents.hasNext()).isFalse();
      assertThat(documents.bytesRead()).isEqualTo(documents.bytes());
    }
  }

  @Test
  void shouldSkipAByteOrderMark() throws IOException {
    assertThat(read(write("a.txt", "\uFEFFa")).getFirst().text()).isEqualTo("a");
    assertThat(read(write("a.jsonl", "\uFEFF{\"text\":\"a\"}")).getFirst().text()).isEqualTo("a");
  }

  @Test
  void shouldCutALargeTextAtLineEnds() throws IOException {
    String line = "a line of words, é\n";
    int lineBytes = line.getBytes(StandardCharsets.UTF_8).length;
    int lines = Documents.MAX_TEXT_BYTES / lineBytes + 1000;
    List<Document> documents = read(write("a.txt", line.repeat(lines)));
    assertThat(documents).hasSize(2);
    assertThat(documents).allSatisfy(d -> assertThat(d.text()).endsWith("\n").startsWith("a line"));
    assertThat(documents.stream().mapToLong(d -> String.valueOf(d.text()).length()).sum())
        .isEqualTo((long) lines * line.length());
  }

  @Test
  void shouldTellWhereAFileIsNotUtf8() throws IOException {
    byte[] bytes = "é\nabc?d\n".getBytes(StandardCharsets.UTF_8);
    bytes[6] = (byte) 0xE9;
    Path file = Files.write(folder.resolve("a.txt"), bytes);
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining(file + ":2: not UTF-8: byte 0xE9 at offset 6");
  }

  @Test
  void shouldRefuseACharacterThatTheEndOfTheFileCuts() throws IOException {
    Path file = Files.write(folder.resolve("a.txt"), new byte[] {'a', (byte) 0xE2, (byte) 0x82});
    assertThatThrownBy(() -> read(file)).hasMessageContaining("not UTF-8: byte 0xE2 at offset 1");
  }

  @Test
  void shouldRefuseALineWithoutEnd() throws IOException {
    Path file = folder.resolve("a.jsonl");
    try (var out = Files.newOutputStream(file)) {
      byte[] megabyte = " ".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
      out.write('\n');
      for (int i = 0; i < 130; i++) {
        out.write(megabyte);
      }
    }
    assertThatThrownBy(() -> read(file))
        .hasMessageContaining(file + ":2: the line at offset 1 is longer than 64 MiB");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"text\": 7}|\"text\" is not a string",
        "{\"text\": \"a\", \"text\": \"b\"}|Duplicate",
        "{\"text\": \"a\"|not JSON",
        "{\"text\": \"a\"} x|not JSON",
        "{\"text\": \"a\"} {}|more behind",
        "[]|the line is not an object",
        "{}|neither",
        "{\"text\": \"a\", \"messages\": [{\"role\": \"user\", \"content\": \"\"}]}|both",
        "{\"messages\": []}|\"messages\" is empty",
        "{\"messages\": [7]}|each of \"messages\" is not an object",
        "{\"messages\": [{\"role\": \"user\"}]}|a message without \"content\"",
        "{\"messages\": [{\"role\": \"robot\", \"content\": \"\"}]}|the role \"robot\"",
        "{\"text\": \"\\ud800\"}|half a surrogate pair",
      })
  void shouldNameTheLineOfABadDocument(String line, String problem) throws IOException {
    Path file = write("a.jsonl", "{\"text\": \"good\"}\n" + line + "\n");
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining(file + ":2: ")
        .hasMessageContaining(problem)
        .hasMessageContaining("(near offset ");
  }

  @Test
  void shouldRefuseWhatIsNoFileOfText() throws IOException {
    Path other = write("a.md", "text");
    Path missing = folder.resolve("b.txt");
    assertThatThrownBy(() -> read(other)).hasMessageContaining("neither .txt");
    assertThatThrownBy(() -> read(missing)).hasMessageContaining("no such file");
    assertThatThrownBy(() -> read(folder)).hasMessageContaining("is a folder");
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static List<Document> read(Path file) {
    List<Document> read = new ArrayList<>();
    try (Documents documents = Documents.open(List.of(file))) {
      documents.forEachRemaining(read::add);
    }
    return read;
  }
}
