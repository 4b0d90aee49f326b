package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.output.FinishReason;
import dev.sluice.ops.TestServer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Structured answers and tools, through the clients' own ways to ask for them. */
@Timeout(120)
@SuppressWarnings("deprecation") // seed, which OpenAI is giving up
class ClientFormsTest {
  private static TestServer server;
  private static OpenAIClient client;

  /** What the clients make a schema of. */
  public enum Color {
    RED,
    GREEN
  }

  /** What an answer is read into. */
  public static final class Lamp {
    public @Nullable Color color;
    public boolean on;
  }

  /** A tool, as OpenAI's client knows it. */
  public static final class SetLamp {
    public @Nullable Color color;
    public boolean on;
  }

  @BeforeAll
  static void start() {
    server = TestServer.start(2);
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
        .addUserMessage("ab ba")
        .seed(5)
        .maxCompletionTokens(200);
  }

  @Test
  void shouldReadAnAnswerIntoAClass() {
    Lamp lamp =
        client
            .chat()
            .completions()
            .create(chat().responseFormat(Lamp.class).build())
            .choices()
            .getFirst()
            .message()
            .content()
            .orElseThrow();
    assertThat(lamp.color).isNotNull();
  }

  @Test
  void shouldCallAToolAndBeToldWhatItAnswers() {
    ChatCompletionCreateParams params =
        chat()
            .addTool(SetLamp.class)
            .toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED)
            .parallelToolCalls(false)
            .seed(3)
            .build();
    ChatCompletion asked = client.chat().completions().create(params);
    assertThat(asked.choices().getFirst().finishReason())
        .isEqualTo(ChatCompletion.Choice.FinishReason.TOOL_CALLS);
    ChatCompletionMessageToolCall call =
        asked.choices().getFirst().message().toolCalls().orElseThrow().getFirst();
    SetLamp lamp = call.asFunction().function().arguments(SetLamp.class);
    assertThat(lamp.color).isNotNull();

    ChatCompletionAccumulator gathered = ChatCompletionAccumulator.create();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(params)) {
      stream.stream().forEach(gathered::accumulate);
    }
    ChatCompletion streamed = gathered.chatCompletion();
    assertThat(
            streamed
                .choices()
                .getFirst()
                .message()
                .toolCalls()
                .orElseThrow()
                .getFirst()
                .asFunction()
                .function())
        .isEqualTo(call.asFunction().function());

    ChatCompletion answer =
        client
            .chat()
            .completions()
            .create(
                chat()
                    .addMessage(asked.choices().getFirst().message())
                    .addMessage(
                        ChatCompletionToolMessageParam.builder()
                            .toolCallId(call.asFunction().id())
                            .content("done")
                            .build())
                    .maxCompletionTokens(5)
                    .build());
    assertThat(answer.choices()).hasSize(1);
  }

  private static OpenAiChatModel langChain() {
    return OpenAiChatModel.builder()
        .baseUrl(server.url() + "/v1")
        .apiKey("none")
        .modelName(TestServer.MODEL)
        .strictJsonSchema(true)
        .strictTools(true)
        .seed(5)
        .maxTokens(200)
        .maxRetries(0)
        .build();
  }

  private static JsonObjectSchema lamp() {
    return JsonObjectSchema.builder()
        .addEnumProperty("color", List.of("red", "green"))
        .addBooleanProperty("on")
        .required("color", "on")
        .additionalProperties(false)
        .build();
  }

  @Test
  void shouldAnswerLangChainByTheSchema() {
    ChatResponse response =
        langChain()
            .chat(
                ChatRequest.builder()
                    .messages(UserMessage.from("ab ba"))
                    .responseFormat(
                        ResponseFormat.builder()
                            .type(ResponseFormatType.JSON)
                            .jsonSchema(
                                JsonSchema.builder().name("lamp").rootElement(lamp()).build())
                            .build())
                    .build());
    assertThat(response.aiMessage().text())
        .matches("(?s)\\s*\\{\\s*\"color\"\\s*:\\s*\"(red|green)\".*}");
    assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
  }

  @Test
  void shouldCallLangChainsTools() {
    ToolSpecification tool =
        ToolSpecification.builder().name("lamp").description("Sets it").parameters(lamp()).build();
    List<ChatMessage> messages = new ArrayList<>(List.of(UserMessage.from("ab ba")));
    AiMessage called =
        langChain()
            .chat(
                ChatRequest.builder()
                    .messages(messages)
                    .toolSpecifications(tool)
                    .toolChoice(ToolChoice.REQUIRED)
                    .build())
            .aiMessage();
    assertThat(called.hasToolExecutionRequests()).isTrue();
    ToolExecutionRequest request = called.toolExecutionRequests().getFirst();
    assertThat(request.name()).isEqualTo("lamp");
    assertThat(request.arguments()).contains("\"color\"", "\"on\"");

    messages.add(called);
    called
        .toolExecutionRequests()
        .forEach(r -> messages.add(ToolExecutionResultMessage.from(r, "done")));
    assertThat(langChain().chat(messages).finishReason()).isNotNull();
  }
}
