package dev.sluice.stages.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
  private static final List<ChatMessage> HELLO = List.of(new ChatMessage("user", "Hi"));

  @TempDir Path folder;

  /**
   * Templates in the forms of well-known models, and what Jinja2 3.1 renders with trim_blocks and
   * lstrip_blocks; null where the template refuses the conversation.
   */
  @TestFactory
  List<DynamicTest> shouldRenderAsJinjaDoes() throws IOException {
    JsonNode file;
    try (InputStream in = ChatTemplateTest.class.getResourceAsStream("chat-templates.json")) {
      file = new ObjectMapper().readTree(Objects.requireNonNull(in));
    }
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode test : file.get("cases")) {
      for (JsonNode render : test.get("renders")) {
        String conversation = render.get("conversation").asText();
        boolean prompt = render.get("prompt").asBoolean();
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonNode message : file.get("conversations").get(conversation)) {
          messages.add(
              new ChatMessage(message.get("role").asText(), message.get("content").asText()));
        }
        String name = test.get("name").asText() + ", " + conversation + (prompt ? ", prompt" : "");
        tests.add(
            DynamicTest.dynamicTest(
                name,
                () -> {
                  JinjaForm form = JinjaForm.of(test.get("template").asText(), "<s>", "</s>");
                  if (render.get("output").isNull()) {
                    assertThatThrownBy(() -> form.render(messages, prompt, Map.of()))
                        .isInstanceOf(ChatTemplateException.class)
                        .hasMessageContaining("tokenizer.chat_template")
                        .hasMessageContaining("refuses this conversation");
                  } else {
                    assertThat(form.render(messages, prompt, Map.of()))
                        .isEqualTo(render.get("output").asText());
                  }
                }));
      }
    }
    return tests;
  }

  @Test
  void shouldNotReadWhatUsersWriteAsTemplate() {
    String evil = "{{ messages[0].role }}{% raise_exception('x') %}{# {{ '{{' }}";
    assertThat(render("{{ messages[0].content }}", new ChatMessage("user", evil))).isEqualTo(evil);
  }

  @Test
  void shouldReachNoJavaClassAndNoOtherTemplate() {
    for (String template :
        List.of(
            "{{ ''.getClass() }}",
            "{{ messages.getClass() }}",
            "{{ messages[0].content.getBytes() }}",
            "{{ messages.stream() }}",
            "{{ loop.getClass() }}{% for m in messages %}{{ loop.doBreak() }}{% endfor %}",
            "{% include 'application.conf' %}",
            "{% import 'application.conf' as x %}",
            "{% extends 'reference.conf' %}",
            "{{ raise_exception.getClass() }}")) {
      assertThatThrownBy(() -> render(template, HELLO.getFirst()))
          .as(template)
          .isInstanceOf(ChatTemplateException.class)
          .hasMessageContaining("tokenizer.chat_template");
    }
    assertThat(
            render(
                "[{{ ''.class }}{{ messages.class }}{{ messages[0]['class'] }}]", HELLO.getFirst()))
        .isEqualTo("[]");
  }

  @Test
  void shouldLimitLoopsAndOutput() {
    String loops = "{% for a in range(1000) %}".repeat(4) + "{% endfor %}".repeat(4);
    assertThatThrownBy(() -> render(loops, HELLO.getFirst()))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessageContaining("steps");
    String doubling =
        "{% set ns = namespace(x='xxxxxxxxxxxxxxxx') %}{% for a in range(64) %}"
            + "{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}";
    assertThatThrownBy(() -> render(doubling, HELLO.getFirst()))
        .isInstanceOf(ChatTemplateException.class);
  }

  @Test
  void shouldNameTheKeyAndTheLineOfATemplateThatIsNotClosed() {
    Path model = model("a\nb {% if x %}\n{{ 'c' ");
    try (GgufFile file = GgufFile.open(model)) {
      assertThatThrownBy(() -> ChatTemplate.of(file.metadata()))
          .isInstanceOf(ModelFileException.class)
          .hasMessageContaining(model.toString())
          .hasMessageContaining("tokenizer.chat_template")
          .hasMessageContaining("line 3");
    }
  }

  @Test
  void shouldAddBosOnceWhetherTheTemplateWritesItOrNot() {
    for (String template : List.of("{{ bos_token }}ab", "ab")) {
      try (GgufFile file = GgufFile.open(model(template))) {
        Tokenizer tokenizer = Tokenizer.of(file.metadata());
        ChatTemplate chat = ChatTemplate.of(file.metadata(), tokenizer);
        assertThat(chat.source()).isEqualTo(ChatTemplate.Source.MODEL);
        assertThat(chat.encode(tokenizer, HELLO, true)).startsWith(1).containsOnlyOnce(1);
      }
    }
  }

  @Test
  void shouldFallBackToChatMlWhereTheVocabularyHasItsTokens() {
    List<ChatMessage> messages =
        List.of(new ChatMessage("system", "S"), new ChatMessage("user", "U"));
    try (GgufFile file = GgufFile.open(model(null, "<|im_start|>", "<|im_end|>"))) {
      ChatTemplate chat = ChatTemplate.of(file.metadata());
      assertThat(chat.source()).isEqualTo(ChatTemplate.Source.CHATML);
      assertThat(chat.render(messages, true))
          .isEqualTo(
              """
              <|im_start|>system
              S<|im_end|>
              <|im_start|>user
              U<|im_end|>
              <|im_start|>assistant
              """);
      assertThat(chat.stopStrings()).isEmpty();
    }
    try (GgufFile file = GgufFile.open(model(null))) {
      ChatTemplate chat = ChatTemplate.of(file.metadata());
      assertThat(chat.source()).isEqualTo(ChatTemplate.Source.PLAIN);
      assertThat(chat.render(messages, true)).isEqualTo("S\n\nUser: U\n\nAssistant:");
      assertThat(chat.stopStrings()).containsExactly("\nUser:");
    }
  }

  @Test
  void shouldPassMoreVariablesOn() {
    JinjaForm form = JinjaForm.of("{% if deep is defined and deep %}deep{% endif %}", "", "");
    assertThat(form.render(HELLO, true, Map.of("deep", true))).isEqualTo("deep");
    assertThat(form.render(HELLO, true, Map.of())).isEmpty();
  }

  @Test
  void shouldFormatTimesAsStrftimeDoes() {
    ZonedDateTime time = ZonedDateTime.of(2026, 3, 7, 15, 4, 5, 0, ZoneOffset.UTC);
    assertThat(TemplateFunctions.format(time, "%d %b %Y, %A %-d %B, %H:%M:%S %I %p %j %y %% %Q %z"))
        .isEqualTo("07 Mar 2026, Saturday 7 March, 15:04:05 03 PM 066 26 % %Q +0000");
  }

  private static String render(String template, ChatMessage message) {
    return JinjaForm.of(template, "<s>", "</s>").render(List.of(message), true, Map.of());
  }

  /** A small SentencePiece vocabulary with a template, and control tokens. */
  private Path model(@Nullable String template, String... control) {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "▁", "a", "b"));
    List<Integer> types = new ArrayList<>(List.of(2, 3, 3, 1, 1, 1));
    for (String token : control) {
      tokens.add(token);
      types.add(3);
    }
    GgufWriter writer =
        new GgufWriter()
            .string("general.architecture", "llama")
            .string("tokenizer.ggml.model", "llama")
            .strings("tokenizer.ggml.tokens", tokens)
            .int32s("tokenizer.ggml.token_type", types.stream().mapToInt(t -> t).toArray());
    if (template != null) {
      writer.string("tokenizer.chat_template", template);
    }
    Path file = folder.resolve("model-" + System.nanoTime() + ".gguf");
    writer.write(file);
    return file;
  }
}
