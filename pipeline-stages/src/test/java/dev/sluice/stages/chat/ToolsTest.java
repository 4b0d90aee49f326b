package dev.sluice.stages.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.stages.grammar.Grammar;
import dev.sluice.stages.grammar.GrammarTexts;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ToolsTest {
  private static final ToolChoice AUTO = new ToolChoice.Auto();
  private static final ToolChoice REQUIRED = new ToolChoice.Required();
  private static final String WEATHER =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Jena\"}}\n</tool_call>";
  private static final String SUM =
      "<tool_call>{\"name\":\"sum\",\"arguments\":{\"terms\":[1,[2,[]]]}}</tool_call>";

  private static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Tools tools(ToolStyle style) {
    Tool weather =
        new Tool(
            "weather",
            "The weather of a city",
            json("{\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}"));
    Tool sum =
        new Tool(
            "sum",
            "",
            json(
                """
                {"type":"object","properties":{"terms":{"$ref":"#/$defs/list"}},"required":["terms"],
                 "$defs":{"list":{"type":"array","items":
                   {"anyOf":[{"type":"integer"},{"$ref":"#/$defs/list"}]}}}}
                """));
    return new Tools(List.of(weather, sum), style);
  }

  private static boolean matches(Grammar grammar, String text) {
    return GrammarTexts.matches(grammar, text);
  }

  @Test
  void shouldHaveTheCallsThatAreRequired() {
    Grammar grammar = tools(ToolStyle.TAGGED).grammar(REQUIRED, true);
    assertThat(matches(grammar, WEATHER)).isTrue();
    assertThat(matches(grammar, WEATHER + "\n" + SUM)).isTrue();
    assertThat(matches(grammar, "Well. " + WEATHER)).isFalse();
    assertThat(matches(grammar, SUM.replace("[2", "[\"2\""))).isFalse();
    assertThat(matches(grammar, SUM.replace("sum", "som"))).isFalse();
    assertThat(matches(grammar, "")).isFalse();
    assertThat(matches(tools(ToolStyle.TAGGED).grammar(REQUIRED, false), SUM + SUM)).isFalse();
    Grammar named = tools(ToolStyle.TAGGED).grammar(new ToolChoice.Named("sum"), false);
    assertThat(matches(named, SUM)).isTrue();
    assertThat(matches(named, WEATHER)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "Hello, < there", "<tool_cal", "<<tool_cal<tool> l>", "ä < b € <too>"})
  void shouldLetTheModelTalkUntilItBeginsACall(String talk) {
    Tools tools = tools(ToolStyle.TAGGED);
    Grammar grammar = tools.grammar(AUTO, true);
    assertThat(matches(grammar, talk)).isTrue();
    assertThat(matches(grammar, talk + WEATHER + SUM)).isTrue();
    assertThat(matches(grammar, talk + "<tool_call>talk")).isFalse();
    assertThat(tools.parse(talk)).isEqualTo(new Tools.Answer(talk, List.of()));
    assertThat(tools.parse(talk + WEATHER + SUM).calls())
        .containsExactly(
            new Tools.Call("weather", "{\"city\":\"Jena\"}"),
            new Tools.Call("sum", "{\"terms\":[1,[2,[]]]}"));
    assertThat(tools.parse(talk + WEATHER).content()).isEqualTo(talk.strip());
    String cut = talk + WEATHER.substring(0, 30);
    assertThat(tools.parse(cut)).isEqualTo(new Tools.Answer(cut, List.of()));
  }

  /** However the text is cut, the same parts come, each as soon as it is certain. */
  @Test
  void shouldTakeApartWhatIsStillBeingWritten() {
    Tools tools = tools(ToolStyle.TAGGED);
    String tricky = WEATHER.replace("Jena", "</tool_call>");
    String text = "so <b> it is. " + tricky + " \n" + SUM;
    for (int size = 1; size < 20; size++) {
      ToolReader reader = tools.reader();
      List<ToolReader.Part> parts = new ArrayList<>();
      for (int at = 0; at < text.length(); at += size) {
        parts.addAll(reader.add(text.substring(at, Math.min(text.length(), at + size))));
      }
      assertThat(reader.end()).isEmpty();
      assertThat(said(parts)).isEqualTo("so <b> it is.");
      assertThat(parts.subList(parts.size() - 2, parts.size()))
          .containsExactly(
              new ToolReader.Part.Called(new Tools.Call("weather", "{\"city\":\"</tool_call>\"}")),
              new ToolReader.Part.Called(new Tools.Call("sum", "{\"terms\":[1,[2,[]]]}")));
    }
    ToolReader reader = tools.reader();
    assertThat(said(reader.add("so <b> it is"))).isEqualTo("so <b> it is");
    assertThat(said(reader.add(" so <tool_c"))).isEqualTo(" so");
    assertThat(reader.add("all>{\"name\"")).isEmpty();
    assertThat(said(reader.end())).isEqualTo(" <tool_call>{\"name\"");
    ToolReader bare = tools(ToolStyle.BARE).reader();
    assertThat(bare.add(" {\"na")).isEmpty();
    assertThat(said(bare.end())).isEqualTo(" {\"na");
    assertThat(said(tools(ToolStyle.BARE).reader().add("no {"))).isEqualTo("no {");
  }

  private static String said(List<ToolReader.Part> parts) {
    return parts.stream()
        .map(part -> part instanceof ToolReader.Part.Content(String text) ? text : "")
        .collect(Collectors.joining());
  }

  @Test
  void shouldKnowCallsThatAreTheWholeAnswer() {
    Tools tools = tools(ToolStyle.BARE);
    String call = "{\"name\": \"weather\", \"parameters\": {\"city\": \"Jena\"}}";
    Grammar auto = tools.grammar(AUTO, false);
    assertThat(matches(auto, call)).isTrue();
    assertThat(matches(auto, "Nothing of {that}")).isTrue();
    assertThat(matches(auto, "{x")).isFalse();
    assertThat(matches(tools.grammar(REQUIRED, false), "Nothing")).isFalse();
    assertThat(tools.parse(call).calls())
        .containsExactly(new Tools.Call("weather", "{\"city\":\"Jena\"}"));
  }

  @Test
  void shouldTellTemplatesAndModelsOfThem() {
    Tools tools = tools(ToolStyle.TAGGED);
    assertThat(tools.variable())
        .first()
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.MAP)
        .containsEntry("type", "function")
        .extractingByKey("function")
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.MAP)
        .containsEntry("name", "weather");
    assertThat(tools.instructions()).contains("The weather of a city", "<tool_call>{\"name\"");
    assertThat(ToolStyle.of("{{ '<tool_call>' }} \"parameters\"")).isEqualTo(ToolStyle.TAGGED);
    assertThat(ToolStyle.of("{\"name\": x, \"parameters\": y}")).isEqualTo(ToolStyle.BARE);
    assertThat(ToolStyle.of("")).isEqualTo(ToolStyle.TAGGED);
    assertThat(new ChatMessage("tool", "3", Map.of("name", "sum")).more()).containsKey("name");
  }

  @Test
  void shouldRefuseToolsThatAreNone() {
    JsonNode schema = json("{}");
    assertThatIllegalArgumentException().isThrownBy(() -> new Tool("a b", "", schema));
    assertThatIllegalArgumentException().isThrownBy(() -> new Tool("a", "", json("[]")));
    Tool tool = new Tool("a", "", schema);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Tools(List.of(tool, tool), ToolStyle.TAGGED))
        .withMessageContaining("two tools 'a'");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Tools(List.of(), ToolStyle.TAGGED))
        .withMessageContaining("0 tools");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new Tools(List.of(tool), ToolStyle.TAGGED)
                    .grammar(new ToolChoice.Named("b"), false))
        .withMessageContaining("none of the tools");
  }
}
