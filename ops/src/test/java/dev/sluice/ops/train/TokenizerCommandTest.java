package dev.sluice.ops.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.ops.CommandException;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.tokenizer.Tokenizer;
import dev.sluice.stages.tokenizer.TokenizerTrainingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class TokenizerCommandTest {
  private static final String STORY = "The miller found a lantern by the river, 347 steps away. ";

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void writeText() throws IOException {
    write("story.txt", STORY.repeat(20) + "Die Mühle steht am Fluß. 😀");
    write(
        "chat.jsonl",
        """
        {"messages": [{"role": "user", "content": "Who are you?"},\
         {"role": "assistant", "content": "I am the miller."}]}
        {"text": "The river."}
        """
            .repeat(3));
    write("empty.txt", "");
    write("template.jinja", "{% for m in messages %}");
    Files.write(folder.resolve("latin.txt"), "Mühle".getBytes(StandardCharsets.ISO_8859_1));
  }

  @Test
  void shouldWriteAVocabularyAndATemplateThatAreRead() {
    run(
        "--vocab-size 300 --special <|begin|> --special <|end|> --special <|system|>"
            + " --special <|user|> --special <|assistant|> --special <|pad|> --bos <|begin|>"
            + " --eos <|end|> --pad <|pad|> --pre starcoder --chat-template sluice"
            + " FOLDER/story.txt FOLDER/chat.jsonl");
    try (GgufFile file = GgufFile.open(folder.resolve("t.gguf"))) {
      Tokenizer tokenizer = Tokenizer.of(file.metadata());
      assertThat(tokenizer.vocabularySize()).isEqualTo(300);
      String text = STORY + "Die Mühle, 中😀\n";
      int[] ids = tokenizer.encode(text, true, false);
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
      List<String> pieces = new ArrayList<>();
      for (int id : ids) {
        pieces.add(tokenizer.piece(id));
      }
      assertThat(pieces).startsWith("<|begin|>").containsSequence("3", "4", "7");
      assertThat(pieces).as("learnt from both files").contains("Ġmiller");
      int[] chat =
          ChatTemplate.of(file.metadata(), tokenizer)
              .encode(tokenizer, List.of(new ChatMessage("user", "the")), true);
      assertThat(tokenizer.decode(chat, true))
          .isEqualTo("<|begin|><|user|>the<|end|><|assistant|>");
      assertThat(chat).startsWith(0, 3).endsWith(1, 4);
    }
  }

  @ParameterizedTest
  @CsvSource({"wordpiece, 100", "spm, 310"})
  void shouldLearnTheOtherKinds(String type, int size) {
    run(
        "--type %s --vocab-size %d --min-frequency 1 FOLDER/story.txt FOLDER/chat.jsonl"
            .formatted(type, size));
    try (GgufFile file = GgufFile.open(folder.resolve("t.gguf"))) {
      Tokenizer tokenizer = Tokenizer.of(file.metadata());
      assertThat(tokenizer.decode(tokenizer.encode("the miller found", true, false)))
          .isEqualTo("the miller found");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "300 FOLDER/latin.txt | latin.txt:1: not UTF-8: byte 0xFC at offset 1",
        "300 FOLDER/missing.txt | missing.txt: no such file",
        "270 --chat-template FOLDER/template.jinja FOLDER/story.txt | --chat-template",
        "270 --chat-template FOLDER/x.jinja FOLDER/story.txt | x.jinja: no such file",
        "270 --chat-template chatml FOLDER/story.txt | add --special '<",
        "270 -o FOLDER/none/t.gguf FOLDER/story.txt | its folder is not there",
      })
  void shouldSayWhatIsWrongAndWriteNothing(String arguments, String problem) {
    assertThatThrownBy(() -> run("--vocab-size " + arguments))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining(problem);
    assertThat(folder.resolve("t.gguf")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "300 FOLDER/empty.txt | there is no text to learn from",
        "9000 FOLDER/story.txt | 9000 tokens is too large for this text",
        "256 --bos <s> FOLDER/story.txt | 256 tokens is too small: 1 special",
      })
  void shouldSayWhatCannotBeLearntAndWriteNothing(String arguments, String problem) {
    assertThatThrownBy(() -> run("--vocab-size " + arguments))
        .isInstanceOf(TokenizerTrainingException.class)
        .hasMessageContaining(problem);
    assertThat(folder.resolve("t.gguf")).doesNotExist();
  }

  private void run(String arguments) {
    List<String> words = new ArrayList<>();
    if (!arguments.contains("-o ")) {
      words.addAll(List.of("-o", folder.resolve("t.gguf").toString()));
    }
    for (String word : arguments.split(" ", -1)) {
      words.add(word.replace("FOLDER", folder.toString()));
    }
    TokenizerCommand command = new TokenizerCommand();
    new CommandLine(command)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .parseArgs(words.toArray(String[]::new));
    command.run();
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }
}
