package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import dev.sluice.ops.TestServer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** OpenAI's own client against the server. */
@Timeout(120)
@SuppressWarnings("deprecation") // seed and fingerprint, which OpenAI is giving up
class OpenAiClientTest {
  private static TestServer server;
  private static OpenAIClient client;

  @BeforeAll
  static void start() {
    server = TestServer.start(4);
    client =
        OpenAIOkHttpClient.builder()
            .baseUrl(server.url() + "/v1")
            .apiKey("none")
            .maxRetries(0)
            .build();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model(TestServer.MODEL)
        .addSystemMessage("be brief")
        .addUserMessage("ab ba")
        .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true))
        .seed(7)
        .maxCompletionTokens(12);
  }

  @Test
  void shouldAnswerAndStreamTheSameText() {
    ChatCompletion whole = client.chat().completions().create(chat().build());
    ChatCompletion.Choice choice = whole.choices().getFirst();
    assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
    assertThat(whole.usage().orElseThrow().completionTokens()).isEqualTo(12);
    assertThat(whole.systemFingerprint()).contains("fp_test");

    ChatCompletionCreateParams streaming =
        chat()
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    List<ChatCompletionChunk> chunks;
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(streaming)) {
      chunks = stream.stream().toList();
    }
    assertThat(text(chunks, 0)).isEqualTo(choice.message().content().orElseThrow());
    assertThat(chunks.getFirst().choices().getFirst().delta().role()).isPresent();
    ChatCompletionChunk last = chunks.getLast();
    assertThat(last.choices()).isEmpty();
    assertThat(last.usage().orElseThrow().completionTokens()).isEqualTo(12);
    assertThat(last.usage()).isEqualTo(whole.usage());
  }

  private static String text(List<ChatCompletionChunk> chunks, int choice) {
    return chunks.stream()
        .flatMap(chunk -> chunk.choices().stream())
        .filter(c -> c.index() == choice)
        .map(c -> c.delta().content().orElse(""))
        .collect(Collectors.joining());
  }

  @Test
  void shouldGiveSeveralAnswersWithProbabilities() {
    ChatCompletion two =
        client.chat().completions().create(chat().n(2).logprobs(true).topLogprobs(3).build());
    assertThat(two.choices()).hasSize(2);
    for (ChatCompletion.Choice choice : two.choices()) {
      var tokens = choice.logprobs().orElseThrow().content().orElseThrow();
      assertThat(tokens).hasSize(12);
      assertThat(tokens)
          .allSatisfy(
              token -> {
                assertThat(token.topLogprobs()).hasSize(3);
                assertThat(token.logprob()).isNegative();
                assertThat(token.bytes()).isPresent();
              });
    }
    assertThat(two.choices().get(0).message().content())
        .isNotEqualTo(two.choices().get(1).message().content());
    assertThat(two.usage().orElseThrow().completionTokens()).isEqualTo(24);
  }

  @Test
  void shouldContinueText() {
    Completion completion =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model(TestServer.MODEL)
                    .prompt("ab")
                    .echo(true)
                    .logprobs(2)
                    .maxTokens(4)
                    .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true))
                    .build());
    CompletionChoice choice = completion.choices().getFirst();
    assertThat(choice.text()).startsWith("ab");
    assertThat(choice.finishReason()).isEqualTo(CompletionChoice.FinishReason.LENGTH);
    assertThat(choice.logprobs().orElseThrow().tokens().orElseThrow()).hasSizeGreaterThan(5);
  }

  @Test
  void shouldRespondInTheNewerForm() {
    ResponseCreateParams params =
        ResponseCreateParams.builder()
            .model(TestServer.MODEL)
            .instructions("be brief")
            .input("ab ba")
            .maxOutputTokens(10)
            .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true))
            .putAdditionalBodyProperty("seed", JsonValue.from(7))
            .build();
    Response whole = client.responses().create(params);
    assertThat(whole.status()).contains(ResponseStatus.INCOMPLETE);
    String text = whole.output().getFirst().asMessage().content().getFirst().asOutputText().text();
    StringBuilder streamed = new StringBuilder();
    List<String> kinds = new ArrayList<>();
    try (StreamResponse<ResponseStreamEvent> stream = client.responses().createStreaming(params)) {
      stream.stream()
          .forEach(
              event -> {
                event.outputTextDelta().ifPresent(delta -> streamed.append(delta.delta()));
                event.created().ifPresent(e -> kinds.add("created"));
                event.outputItemAdded().ifPresent(e -> kinds.add("item"));
                event.contentPartAdded().ifPresent(e -> kinds.add("part"));
                event.outputTextDone().ifPresent(e -> kinds.add("text done"));
                event
                    .incomplete()
                    .ifPresent(
                        e ->
                            kinds.add(
                                e.response().usage().orElseThrow().outputTokens() + " tokens"));
              });
    }
    assertThat(streamed.toString()).isEqualTo(text);
    assertThat(kinds).containsExactly("created", "item", "part", "text done", "10 tokens");
  }

  @Test
  void shouldListItsModel() {
    assertThat(client.models().list().data()).extracting(Model::id).containsExactly("startup");
    assertThat(client.models().retrieve("startup").id()).isEqualTo("startup");
    assertThatThrownBy(() -> client.models().retrieve("other"))
        .isInstanceOf(NotFoundException.class);
  }

  @Test
  void shouldRefuseByName() {
    assertThatThrownBy(
            () ->
                client
                    .chat()
                    .completions()
                    .create(
                        chat().putAdditionalBodyProperty("frobnicate", JsonValue.from(1)).build()))
        .isInstanceOfSatisfying(
            BadRequestException.class,
            e -> {
              assertThat(e.param()).contains("frobnicate");
              assertThat(e.code()).contains("unknown_parameter");
              assertThat(e.getMessage()).contains("frobnicate");
            });
    assertThatThrownBy(() -> client.chat().completions().create(chat().model("other").build()))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("'startup' is");
    assertThatThrownBy(
            () -> client.chat().completions().create(chat().maxCompletionTokens(5_000).build()))
        .isInstanceOfSatisfying(
            BadRequestException.class,
            e -> assertThat(e.code()).contains("context_length_exceeded"));
  }
}
