package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.ops.TestServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Answers of a stated form, calls of tools and votes. The model has learnt nothing: what it writes
 * is right only because the grammar holds it.
 */
@Timeout(120)
class FormsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String LAMP =
      """
      {"type": "object", "additionalProperties": false, "required": ["color", "on"],
       "properties": {"color": {"enum": ["red", "green"]}, "on": {"type": "boolean"}}}\
      """;
  private static final String TOOLS =
      """
      "tools": [{"type": "function", "function":
                  {"name": "lamp", "description": "Sets the lamp", "parameters": %s}},
                {"type": "function", "function": {"name": "bell"}}]\
      """
          .formatted(LAMP);

  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(4);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Asked chat(String more) throws Exception {
    return Asked.post(
        server.url() + "/v1/chat/completions",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"ab ba\"}], \"max_tokens\": 200, "
            + more
            + "}");
  }

  private static void isLamp(JsonNode lamp) {
    assertThat(lamp.properties())
        .extracting(java.util.Map.Entry::getKey)
        .containsExactly("color", "on");
    assertThat(lamp.get("color").textValue()).isIn("red", "green");
    assertThat(lamp.get("on").isBoolean()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void shouldAnswerByTheSchema(int seed) throws Exception {
    String format =
        "\"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"lamp\","
            + " \"strict\": true, \"schema\": "
            + LAMP
            + "}}, \"seed\": "
            + seed;
    JsonNode choice = chat(format).json().at("/choices/0");
    assertThat(choice.get("finish_reason").textValue()).isEqualTo("stop");
    isLamp(JSON.readTree(choice.at("/message/content").textValue()));

    Asked response =
        Asked.post(
            server.url() + "/v1/responses",
            "{\"input\": \"ab\", \"text\": {\"format\": {\"type\": \"json_schema\", \"name\":"
                + " \"lamp\", \"schema\": "
                + LAMP
                + "}}}");
    JsonNode whole = response.json();
    assertThat(whole.at("/text/format/name").textValue()).isEqualTo("lamp");
    isLamp(JSON.readTree(whole.at("/output/0/content/0/text").textValue()));
  }

  @Test
  void shouldKeepToAGrammar() throws Exception {
    String grammar = "\"grammar\": \"root ::= (\\\"yes\\\" | \\\"no\\\") \\\"!\\\"\"";
    assertThat(chat(grammar).json().at("/choices/0/message/content").textValue())
        .isIn("yes!", "no!");
    Asked completion =
        Asked.post(
            server.url() + "/v1/completions", "{\"prompt\": \"ab\", \"n\": 3, " + grammar + "}");
    assertThat(completion.json().get("choices").findValuesAsText("text"))
        .hasSize(3)
        .allMatch(Set.of("yes!", "no!")::contains);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void shouldCallTheToolThatItMustCall(int seed) throws Exception {
    String forced =
        "\"tool_choice\": {\"type\": \"function\", \"function\": {\"name\": \"lamp\"}},"
            + " \"parallel_tool_calls\": false, \"seed\": "
            + seed
            + ", "
            + TOOLS;
    JsonNode choice = chat(forced).json().at("/choices/0");
    assertThat(choice.get("finish_reason").textValue()).isEqualTo("tool_calls");
    assertThat(choice.at("/message/content").isNull()).isTrue();
    JsonNode calls = choice.at("/message/tool_calls");
    assertThat(calls).hasSize(1);
    assertThat(calls.at("/0/function/name").textValue()).isEqualTo("lamp");
    isLamp(JSON.readTree(calls.at("/0/function/arguments").textValue()));

    List<JsonNode> deltas = new ArrayList<>();
    String reason = "";
    List<String> events = chat(forced + ", \"stream\": true").events();
    for (String event : events.subList(0, events.size() - 1)) {
      JsonNode streamed = JSON.readTree(event).at("/choices/0");
      streamed.at("/delta/tool_calls").forEach(deltas::add);
      reason = streamed.get("finish_reason").asText(reason);
    }
    assertThat(reason).isEqualTo("tool_calls");
    assertThat(deltas).hasSize(1);
    assertThat(deltas.getFirst().get("function")).isEqualTo(calls.at("/0/function"));
    assertThat(deltas.getFirst().get("index").intValue()).isZero();
  }

  @Test
  void shouldGiveEveryCallAnIdOfItsOwn() throws Exception {
    JsonNode choices =
        chat("\"n\": 3, \"seed\": 1, \"tool_choice\": \"required\", \"parallel_tool_calls\": false,"
                + " "
                + TOOLS)
            .json()
            .get("choices");
    List<String> ids = new ArrayList<>();
    for (JsonNode choice : choices) {
      if (choice.get("finish_reason").textValue().equals("tool_calls")) {
        choice.at("/message/tool_calls").forEach(call -> ids.add(call.get("id").textValue()));
      }
    }
    assertThat(ids).isNotEmpty().doesNotHaveDuplicates();
  }

  @Test
  void shouldTellTheModelOfToolsTheirCallsAndAnswers() throws Exception {
    String messages =
        """
        {"messages": [
          {"role": "user", "content": "ab"},
          {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
            "function": {"name": "lamp", "arguments": "{\\"color\\": \\"red\\", \\"on\\": true}"}}]},
          {"role": "tool", "tool_call_id": "c1", "content": "done"}], %s}\
        """
            .formatted(TOOLS);
    String prompt =
        Asked.post(server.url() + "/apply-template", messages).json().get("prompt").textValue();
    assertThat(prompt)
        .contains(
            "Sets the lamp",
            "<tool_call>{\"name\": \"lamp\", \"arguments\": {",
            "<tool_response>\ndone\n</tool_response>");
  }

  @Test
  void shouldTellWhatMostAnswersSay() throws Exception {
    String vote =
        """
        {"prompt": "ab", "n": 4, "seed": SEED, "vote": {"regex": "is ([ab])"},
         "grammar": "root ::= \\"it is \\" [ab]"}\
        """;
    for (int seed = 0; seed < 4; seed++) {
      String body = vote.replace("SEED", "" + seed);
      JsonNode voted = Asked.post(server.url() + "/v1/completions", body).json();
      JsonNode all =
          Asked.post(
                  server.url() + "/v1/completions",
                  body.replace("\"vote\": {\"regex\": \"is ([ab])\"},", ""))
              .json()
              .get("choices");
      long said = all.findValuesAsText("text").stream().filter("it is a"::equals).count();
      JsonNode counts = voted.at("/vote/counts");
      assertThat(counts.path("a").asLong()).isEqualTo(said);
      assertThat(counts.path("b").asLong()).isEqualTo(4 - said);
      String winner = said == 2 ? all.at("/0/text").textValue().substring(6) : said > 2 ? "a" : "b";
      assertThat(voted.at("/vote/winner").textValue()).isEqualTo(winner);
      assertThat(voted.get("choices")).hasSize(1);
      assertThat(voted.at("/choices/0/text").textValue()).isEqualTo("it is " + winner);
    }
    JsonNode none = chat("\"n\": 2, \"vote\": {\"regex\": \"never [0-9]{3}\"}, \"seed\": 1").json();
    assertThat(none.at("/vote/winner").isNull()).isTrue();
    assertThat(none.at("/vote/without_match").intValue()).isEqualTo(2);
    assertThat(none.get("choices")).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"response_format\": {\"type\": \"xml\"} | response_format.type",
        "\"response_format\": {\"type\": \"json_schema\"} | response_format.json_schema",
        "\"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"a\","
            + " \"schema\": {\"not\": {}}}} | response_format.json_schema.schema",
        "\"response_format\": {\"type\": \"text\", \"more\": 1} | response_format.more",
        "\"grammar\": \"root ::= (\" | grammar",
        "\"tool_choice\": \"required\" | tool_choice",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a b\"}}]"
            + " | tools[0].function.name",
        "\"tools\": [{\"type\": \"search\"}] | tools[0].type",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a\"}}], \"tool_choice\":"
            + " {\"type\": \"function\", \"function\": {\"name\": \"b\"}} | tool_choice",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a\"}}],"
            + " \"response_format\": {\"type\": \"json_object\"} | tools",
        "\"vote\": {} | vote.regex",
        "\"vote\": {\"regex\": \"(\"} | vote.regex",
        "\"vote\": {\"regex\": \"((a{99}){99}){99}\"} | vote.regex",
        "\"vote\": {\"regex\": \"a\"}, \"stream\": true | vote",
      })
  void shouldRefuseByName(String more, String param) throws Exception {
    Asked asked = chat(more);
    assertThat(asked.status()).as(asked.text()).isEqualTo(400);
    assertThat(asked.json().at("/error/param").asText()).as(asked.text()).isEqualTo(param);
  }
}
