package dev.sluice.ops.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.ops.CommandException;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentEncoderTest {
  private static final List<ChatMessage> TALK =
      List.of(
          new ChatMessage("system", "be kind"),
          new ChatMessage("user", "ab"),
          new ChatMessage("assistant", "cd e"),
          new ChatMessage("user", "f"),
          new ChatMessage("assistant", "g"));

  @TempDir private Path folder = Path.of("");

  @Test
  void shouldLearnAnswersAndTheirEndsOnly() {
    assertThat(learnt(TestVocabulary.TEMPLATE, TALK, true)).isEqualTo("cd e<|end|>g<|end|>");
  }

  @Test
  void shouldLearnNothingWithoutAnswer() {
    assertThat(learnt(TestVocabulary.TEMPLATE, TALK.subList(0, 2), true)).isEmpty();
  }

  @Test
  void shouldNotLearnWhatFollowsTheEnd() {
    String template =
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
            + "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
    assertThat(learnt(template, TALK, true)).isEqualTo("cd e<|end|>g<|end|>");
  }

  @Test
  void shouldLearnAllWhenAsked() {
    assertThat(learnt(TestVocabulary.TEMPLATE, TALK, false))
        .isEqualTo(
            "<|begin|><|system|>be kind<|end|><|user|>ab<|end|><|assistant|>cd e<|end|>"
                + "<|user|>f<|end|><|assistant|>g<|end|>");
  }

  @Test
  void shouldRefuseATemplateThatRewritesThePast() {
    String template =
        "{% for m in messages %}<|{{ m.role }}|>"
            + "{% if loop.last or m.role != 'assistant' %}{{ m.content }}{% endif %}<|end|>"
            + "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    assertThatExceptionOfType(CommandException.class)
        .isThrownBy(() -> learnt(template, TALK, true))
        .withMessageContaining("talk.jsonl:1")
        .withMessageContaining("message 3");
    assertThat(learnt(template, TALK.subList(0, 3), true)).isEqualTo("cd e<|end|>");
  }

  @Test
  void shouldPutATextBetweenBeginAndEnd() {
    try (GgufFile file = vocabulary(TestVocabulary.TEMPLATE)) {
      Tokenizer tokenizer = Tokenizer.of(file.metadata());
      DocumentEncoder.Encoded encoded =
          encoder(file, tokenizer, true)
              .encode(new Documents.Document("ab <|user|>", List.of(), "a.txt"));
      assertThat(encoded.learnt).isNull();
      assertThat(tokenizer.decode(encoded.ids, true)).isEqualTo("<|begin|>ab <|user|><|end|>");
      assertThat(encoded.ids).as("special tokens in a text are text").hasSize(13);
    }
  }

  private String learnt(String template, List<ChatMessage> talk, boolean answersOnly) {
    try (GgufFile file = vocabulary(template)) {
      Tokenizer tokenizer = Tokenizer.of(file.metadata());
      DocumentEncoder.Encoded encoded =
          encoder(file, tokenizer, answersOnly)
              .encode(new Documents.Document(null, talk, "talk.jsonl:1"));
      int[] ids = encoded.ids;
      if (answersOnly) {
        boolean[] marks = Objects.requireNonNull(encoded.learnt);
        ids =
            IntStream.range(0, ids.length).filter(i -> marks[i]).map(i -> encoded.ids[i]).toArray();
      }
      return Arrays.stream(ids)
          .mapToObj(id -> tokenizer.decode(new int[] {id}, true))
          .reduce("", String::concat);
    }
  }

  private static DocumentEncoder encoder(GgufFile file, Tokenizer tokenizer, boolean answersOnly) {
    return new DocumentEncoder(tokenizer, ChatTemplate.of(file.metadata(), tokenizer), answersOnly);
  }

  private GgufFile vocabulary(String template) {
    return GgufFile.open(TestVocabulary.write(folder.resolve("vocabulary.gguf"), template));
  }
}
