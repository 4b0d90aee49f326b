package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import dev.sluice.ops.TestServer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** LangChain4j's client against the server. */
@Timeout(120)
class LangChainTest {
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(2);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static OpenAiChatModel model(String name) {
    return OpenAiChatModel.builder()
        .baseUrl(server.url() + "/v1")
        .apiKey("none")
        .modelName(name)
        .seed(11)
        .temperature(0.7)
        .maxTokens(15)
        .maxRetries(0)
        .customParameters(Map.of("ignore_eos", true))
        .build();
  }

  @Test
  void shouldAnswerAndStreamTheSameText() {
    String whole = model(TestServer.MODEL).chat("ab ba");
    CompletableFuture<ChatResponse> streamed = new CompletableFuture<>();
    StringBuilder text = new StringBuilder();
    OpenAiStreamingChatModel.builder()
        .baseUrl(server.url() + "/v1")
        .apiKey("none")
        .modelName(TestServer.MODEL)
        .seed(11)
        .temperature(0.7)
        .maxTokens(15)
        .customParameters(Map.of("ignore_eos", true))
        .build()
        .chat(
            "ab ba",
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(String part) {
                text.append(part);
              }

              @Override
              public void onCompleteResponse(ChatResponse response) {
                streamed.complete(response);
              }

              @Override
              public void onError(Throwable error) {
                streamed.completeExceptionally(error);
              }
            });
    ChatResponse response = streamed.join();
    assertThat(text.toString()).isEqualTo(whole);
    assertThat(response.aiMessage().text()).isEqualTo(whole);
    assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(15);
  }

  @Test
  void shouldTellErrors() {
    assertThatThrownBy(() -> model(TestServer.MODEL).chat("ab".repeat(2_000)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("context");
  }
}
