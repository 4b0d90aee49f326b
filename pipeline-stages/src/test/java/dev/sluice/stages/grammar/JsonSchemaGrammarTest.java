package dev.sluice.stages.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonSchemaGrammarTest {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
  private static final ListTokenizer BYTES = ListTokenizer.random(new Random(0), "a", 0);
  private static final TokenVocabulary VOCABULARY = TokenVocabulary.of(BYTES);

  private static boolean matches(Grammar grammar, String text) {
    GrammarMatcher matcher = new Grammars(VOCABULARY).matcher(grammar, new int[0], 0, 0);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (!matcher.accept(2 + (b & 0xFF))) {
        return false;
      }
    }
    return matcher.complete();
  }

  /** A text of the grammar, by chance; ends soon once it may. */
  private static String write(Grammar grammar, Random random) {
    GrammarMatcher matcher = new Grammars(VOCABULARY).matcher(grammar, new int[0], 0, 0);
    byte[] text = new byte[4_000];
    int length = 0;
    while (!(matcher.complete() && random.nextInt(8) == 0)) {
      List<Integer> allowed = new ArrayList<>();
      for (int token = 2; token < BYTES.vocabularySize(); token++) {
        if (matcher.allows(token)) {
          allowed.add(token);
        }
      }
      if (allowed.isEmpty()) {
        break;
      }
      // Closing is preferred, so that nested values come to an end.
      int pick = allowed.get(random.nextInt(allowed.size()));
      for (char end : "\"]},0:".toCharArray()) {
        if (random.nextInt(3) == 0 && allowed.contains(2 + end)) {
          pick = 2 + end;
          break;
        }
      }
      assertThat(matcher.accept(pick)).isTrue();
      text[length++] = (byte) (pick - 2);
      assertThat(length).as("the text ends some time").isLessThan(text.length);
    }
    assertThat(matcher.complete()).isTrue();
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        // schema ~ valid ~ not
        "{} ~ [1,{\"a\":null}] ~ [1,]",
        "true ~ -0.5e-3 ~ 01",
        "{\"type\":\"object\"} ~ {\"x\":[]} ~ []",
        "{\"type\":\"boolean\"} ~ false ~ 0",
        "{\"type\":[\"null\",\"integer\"]} ~ null ~ 1.5",
        "{\"enum\":[\"a\\\"b\",2,{\"c\":[true]}]} ~ \"a\\\"b\" ~ \"a\"",
        "{\"enum\":[1,{\"c\":[true]}]} ~ {\"c\":[true]} ~ {\"c\":[]}",
        "{\"const\":\"ä\"} ~ \"ä\" ~ \"a\"",
        "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]} ~ 12 ~ true",
        "{\"properties\":{\"a\":{},\"b\":{}}} ~ {} ~ {\"c\":1}",
        "{\"properties\":{\"a\":{},\"b\":{}}} ~ { \"b\" : 1 } ~ {,\"b\":1}",
        "{\"properties\":{\"a\":{},\"b\":{}}} ~ {\"a\":1,\"b\":2} ~ {\"a\":1,}",
        "{\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"b\"]} ~ {\"b\":1} ~ {\"a\":1}",
        "{\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"a\",\"b\"]} ~ {\"a\":1,\"b\":0} ~ {}",
        "{\"required\":[\"z\"]} ~ {\"z\":1} ~ {}",
        "{\"properties\":{\"ab\":{}},\"additionalProperties\":{\"type\":\"integer\"}}"
            + " ~ {\"ab\":\"x\",\"a\":1,\"abc\":2,\"\":3} ~ {\"a\":1,\"ab\":2}",
        "{\"properties\":{\"ab\":{\"type\":\"null\"}},\"additionalProperties\":true}"
            + " ~ {\"b\":\"x\"} ~ {\"ab\":2}",
        "{\"additionalProperties\":false} ~ {} ~ {\"a\":1}",
        "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}} ~ [] ~ [1,\"2\"]",
        "{\"items\":{\"type\":\"integer\"},\"minItems\":2,\"maxItems\":3} ~ [1, 2,3] ~ [1]",
        "{\"items\":{\"type\":\"integer\"},\"minItems\":2,\"maxItems\":3} ~ [1,2] ~ [1,2,3,4]",
        "{\"items\":{},\"maxItems\":0} ~ [] ~ [1]",
        "{\"prefixItems\":[{\"const\":1},{\"const\":2}],\"items\":false} ~ [1] ~ [2]",
        "{\"prefixItems\":[{\"const\":1},{\"const\":2}],\"items\":false} ~ [1,2] ~ [1,2,3]",
        "{\"prefixItems\":[{\"const\":1}],\"items\":{\"const\":7},\"minItems\":3}"
            + " ~ [1,7,7,7] ~ [1,7]",
        "{\"type\":\"string\",\"minLength\":2,\"maxLength\":3} ~ \"ä\\n€\" ~ \"a\"",
        "{\"type\":\"string\",\"maxLength\":3} ~ \"\" ~ \"abcd\"",
        "{\"pattern\":\"^[A-Z]{2}\\\\d+$\"} ~ \"AB12\" ~ \"AB\"",
        "{\"pattern\":\"b+\"} ~ \"abba\" ~ \"aa\"",
        "{\"pattern\":\"^a|b$\"} ~ \"xb\" ~ \"xa\"",
        "{\"pattern\":\"^(?:\\\"|\\\\\\\\)[^x]$\"} ~ \"\\\"\\n\" ~ \"\\\"x\"",
        "{\"pattern\":\"^.\\\\.\\\\s\\\\u0041$\"} ~ \"€. A\" ~ \"\\n. A\"",
        "{\"format\":\"date\"} ~ \"2024-02-28\" ~ \"2024-13-01\"",
        "{\"format\":\"ipv4\"} ~ \"10.0.255.1\" ~ \"10.0.256.1\"",
        "{\"format\":\"ipv6\"} ~ \"0:0:0:0:0:ffff:a:1\" ~ \"1:2\"",
        "{\"format\":\"hostname\"} ~ \"a-b.example\" ~ \"-a\"",
        "{\"format\":\"of ours\"} ~ \"x\" ~ 1",
        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"null\"}}} ~ null ~ 1",
        "{\"properties\":{\"next\":{\"$ref\":\"#\"}}} ~ {\"next\":{\"next\":{}}} ~ {\"next\":1}",
        "{\"allOf\":[{\"$ref\":\"#/definitions/x\"}],\"definitions\":{\"x\":{\"const\":1}}} ~ 1 ~"
            + " 2",
        "{\"type\":\"number\",\"minimum\":-1,\"maximum\":1} ~ -0.75 ~ 1.5",
        "{\"type\":\"number\",\"minimum\":0} ~ 12.5 ~ -1",
        "{\"type\":\"integer\",\"exclusiveMinimum\":0,\"maximum\":2.5} ~ 2 ~ 3",
      })
  void shouldMatchWhatIsValid(String schema, String valid, String not) {
    Grammar grammar = JsonSchemaGrammar.of(schema);
    assertThat(matches(grammar, valid)).as("%s by %s", valid, schema).isTrue();
    assertThat(matches(grammar, not)).as("%s by %s", not, schema).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "[] ~ schema, at #: a schema is an object or true",
        "{ ~ the schema is no JSON",
        "{\"properties\":{\"a\":false}} ~ at #/properties/a: a schema is",
        "{\"items\":{\"not\":{}}} ~ at #/items: 'not' is not supported",
        "{\"uniqueItems\":true} ~ 'uniqueItems' is not supported",
        "{\"type\":\"date\"} ~ there is no type 'date'",
        "{\"$ref\":\"http://x\"} ~ must name a place of this schema",
        "{\"$ref\":\"#/$defs/a\"} ~ there is no #/$defs/a",
        "{\"$ref\":\"#\"} ~ never end",
        "{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]} ~ left recursion",
        "{\"enum\":[]} ~ 'enum' is a list of values",
        "{\"allOf\":[{},{}]} ~ 'allOf' of more than one",
        "{\"minimum\":2,\"maximum\":1} ~ no number is at least 2 and at most 1",
        "{\"minimum\":0.5} ~ 'minimum' must be a whole number",
        "{\"minLength\":2,\"maxLength\":1,\"type\":\"string\"} ~ a string of at least 2 and at most"
            + " 1",
        "{\"type\":\"array\",\"minItems\":2,\"maxItems\":1} ~ an array of at least 2 and at most 1",
        "{\"minLength\":-1} ~ 'minLength' is a whole number from 0 on",
        "{\"pattern\":\"(?=a)\"} ~ look-around and named groups are not supported",
        "{\"pattern\":\"a$b\"} ~ '$' within the pattern",
        "{\"pattern\":\"[b-a]\"} ~ from a higher to a lower",
        "{\"pattern\":\"\\\\bx\"} ~ '\\b' is not supported",
        "{\"pattern\":\"(a\"} ~ a ')' is missing",
        "{\"pattern\":\"a\",\"minLength\":2} ~ only one of",
        "{\"required\":[],\"properties\":{},\"patternProperties\":{}} ~ 'patternProperties'",
      })
  void shouldSayWhatItDoesNotSupport(String schema, String message) {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> JsonSchemaGrammar.of(schema))
        .withMessageContaining(message);
  }

  @Test
  void shouldRefuseWhatIsTooDeepOrTooLarge() {
    String deep = "{\"items\":".repeat(150) + "{}" + "}".repeat(150);
    String deeper = "[".repeat(100_000);
    String pattern = "{\"pattern\":\"" + "(".repeat(5_000) + "\"}";
    String name =
        "{\"additionalProperties\":true,\"properties\":{\"%s\":{}}}".formatted("x".repeat(9_999));
    for (String schema : List.of(deep, deeper, pattern, name, " ".repeat(Grammar.MAX_LENGTH + 1))) {
      assertThatExceptionOfType(GrammarException.class)
          .isThrownBy(() -> JsonSchemaGrammar.of(schema))
          .withMessageContaining("schema");
    }
  }

  private static final String PERSON =
      """
      {"type": "object",
       "properties": {
         "name": {"type": "string", "minLength": 1, "maxLength": 20},
         "born": {"type": "string", "format": "date"},
         "seen": {"type": "string", "format": "date-time"},
         "id": {"type": "string", "format": "uuid"},
         "mail": {"type": "string", "format": "email"},
         "for": {"type": "string", "format": "duration"},
         "age": {"type": "integer", "minimum": 7, "maximum": 123},
         "share": {"type": "number", "minimum": 0, "maximum": 1},
         "sex": {"enum": ["f", "m", null]},
         "code": {"type": "string", "pattern": "^[^a-z\\"]{2,4}$"},
         "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
         "friends": {"type": "array", "items": {"$ref": "#/$defs/friend"}, "maxItems": 2}},
       "required": ["name", "age", "friends"],
       "$defs": {"friend": {
         "properties": {"name": {"type": "string"}, "best": {"$ref": "#/$defs/friend"}},
         "required": ["name"]}}}
      """;

  /** What follows the grammar at random is a person by its schema, each time. */
  @Property(tries = 40)
  void shouldWriteOnlyWhatIsValid(@ForAll Random random) throws Exception {
    JsonNode person = JSON.readTree(write(JsonSchemaGrammar.of(PERSON), random));
    String name = person.required("name").textValue();
    assertThat(name.codePointCount(0, name.length())).isBetween(1, 20);
    assertThat(person.required("age").bigIntegerValue())
        .isBetween(BigInteger.valueOf(7), BigInteger.valueOf(123));
    person.required("friends").forEach(JsonSchemaGrammarTest::assertFriend);
    assertThat(person.required("friends").size()).isLessThanOrEqualTo(2);
    if (person.has("born")) {
      assertThat(LocalDate.parse(person.get("born").textValue())).isNotNull();
    }
    if (person.has("seen")) {
      assertThat(OffsetDateTime.parse(person.get("seen").textValue())).isNotNull();
    }
    if (person.has("id")) {
      assertThat(UUID.fromString(person.get("id").textValue())).isNotNull();
    }
    if (person.has("for") && !person.get("for").textValue().matches(".*[YMW].*")) {
      assertThat(Duration.parse(person.get("for").textValue())).isNotNull();
    }
    if (person.has("share")) {
      assertThat(person.get("share").doubleValue()).isBetween(0.0, 1.0);
    }
    if (person.has("code")) {
      assertThat(Pattern.matches("[^a-z\"]{2,4}", person.get("code").textValue())).isTrue();
    }
    if (person.has("tags")) {
      assertThat(person.get("tags").size()).isBetween(1, 3);
    }
  }

  private static void assertFriend(JsonNode friend) {
    assertThat(friend.required("name").isTextual()).isTrue();
    if (friend.has("best")) {
      assertFriend(friend.get("best"));
    }
    assertThat(friend.size()).isLessThanOrEqualTo(2);
  }

  @Property(tries = 30)
  void shouldWriteObjectsThatParse(@ForAll Random random) throws Exception {
    assertThat(JSON.readTree(write(JsonSchemaGrammar.object(), random)).isObject()).isTrue();
  }

  @Property(tries = 40)
  void shouldTakeTheNumbersBetweenBoundsAndNoOthers(@ForAll Random random) {
    int span = 1 << random.nextInt(14);
    int least = random.nextInt(2 * span) - span;
    int most = least + random.nextInt(span);
    Grammar whole =
        JsonSchemaGrammar.of(
            "{\"type\":\"integer\",\"minimum\":%d,\"maximum\":%d}".formatted(least, most));
    Grammar any =
        JsonSchemaGrammar.of(
            "{\"type\":\"number\",\"minimum\":%d,\"maximum\":%d}".formatted(least, most));
    for (int i = 0; i < 10; i++) {
      int number = least - 5 + random.nextInt(most - least + 10);
      boolean within = number >= least && number <= most;
      assertThat(matches(whole, "" + number))
          .as("%d in %s", number, whole.text())
          .isEqualTo(within);
      assertThat(matches(any, "" + number)).isEqualTo(within);
      String decimal = number + ".5";
      double value = Double.parseDouble(decimal);
      assertThat(matches(any, decimal))
          .as("%s from %d to %d", decimal, least, most)
          .isEqualTo(value >= least && value <= most);
    }
    for (Grammar bound :
        List.of(
            JsonSchemaGrammar.of("{\"type\":\"integer\",\"minimum\":%d}".formatted(least)),
            JsonSchemaGrammar.of("{\"type\":\"integer\",\"maximum\":%d}".formatted(-least)))) {
      boolean low =
          bound.equals(
              JsonSchemaGrammar.of("{\"type\":\"integer\",\"minimum\":%d}".formatted(least)));
      int at = low ? least : -least;
      assertThat(matches(bound, "" + at)).isTrue();
      assertThat(matches(bound, "" + (low ? at - 1 : at + 1))).isFalse();
      assertThat(matches(bound, "" + (low ? at + 123_456 : at - 123_456))).isTrue();
    }
  }
}
