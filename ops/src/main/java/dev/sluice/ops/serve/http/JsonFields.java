package dev.sluice.ops.serve.http;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a JSON object that came from outside. Each is asked for by name, type and range,
 * and {@link #end} refuses those that nobody asked for: so nothing that a client says is ignored. A
 * field that is {@code null} counts as not given. All errors name the field, with its path.
 */
public final class JsonFields {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_NUMBER = 64;
  private static final int MAX_NAME = 1_024;

  private static final ObjectMapper JSON =
      new ObjectMapper(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxNumberLength(MAX_NUMBER)
                          .maxNameLength(MAX_NAME)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  private final JsonNode object;
  private final String path;
  private final Set<String> known = new HashSet<>();

  private JsonFields(JsonNode object, String path) {
    this.object = object;
    this.path = path;
  }

  /**
   * Reads a body.
   *
   * @throws ApiException where it is not one JSON object in UTF-8, or nested too deeply
   */
  public static JsonFields parse(byte[] body) {
    JsonNode root;
    try {
      root =
          JSON.readTree(
              StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString());
    } catch (CharacterCodingException e) {
      throw ApiException.invalid(null, "invalid_json", "the body is not UTF-8");
    } catch (JacksonException e) {
      throw ApiException.invalid(null, "invalid_json", "the body is no JSON: " + problem(e));
    }
    if (root == null || !root.isObject()) {
      throw ApiException.invalid(null, "invalid_json", "the body must be a JSON object");
    }
    return new JsonFields(root, "");
  }

  /** What Jackson found, without its notes on where it read from. */
  private static String problem(JacksonException e) {
    var at = e.getLocation();
    String text = e.getOriginalMessage().lines().findFirst().orElse("malformed");
    return at == null || at.getLineNr() < 1
        ? text
        : "%s (line %d, column %d)".formatted(text, at.getLineNr(), at.getColumnNr());
  }

  /** A string. */
  public Optional<String> text(String name) {
    return value(name, JsonNode::isTextual, "a string").map(JsonNode::textValue);
  }

  /** A string that must be there. */
  public String requiredText(String name) {
    return text(name).orElseThrow(() -> missing(name));
  }

  /** One of some words. */
  public Optional<String> word(String name, Set<String> allowed) {
    Optional<String> given = text(name);
    if (given.isPresent() && !allowed.contains(given.get())) {
      throw ApiException.invalid(
          at(name),
          at(name) + ": must be one of " + String.join(", ", allowed.stream().sorted().toList()));
    }
    return given;
  }

  public Optional<Boolean> flag(String name) {
    return value(name, JsonNode::isBoolean, "true or false").map(JsonNode::booleanValue);
  }

  /** A whole number within bounds. */
  public Optional<Long> integer(String name, long low, long high) {
    Optional<JsonNode> given = value(name, JsonFields::isWhole, "a whole number");
    given.ifPresent(n -> within(name, n, BigDecimal.valueOf(low), BigDecimal.valueOf(high)));
    return given.map(n -> n.decimalValue().longValueExact());
  }

  /** As {@link #integer}, for the range of an int. */
  public Optional<Integer> count(String name, int low, int high) {
    return integer(name, low, high).map(Math::toIntExact);
  }

  /** A number within bounds. */
  public Optional<Double> number(String name, double low, double high) {
    Optional<JsonNode> given = value(name, JsonNode::isNumber, "a number");
    given.ifPresent(n -> within(name, n, BigDecimal.valueOf(low), BigDecimal.valueOf(high)));
    return given.map(n -> n.decimalValue().doubleValue());
  }

  /** A string, or an array of strings. */
  public List<String> texts(String name, int most) {
    Optional<JsonNode> given =
        value(name, n -> n.isTextual() || n.isArray(), "a string or an array of strings");
    if (given.isEmpty()) {
      return List.of();
    }
    if (given.get().isTextual()) {
      return List.of(given.get().textValue());
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : limited(name, given.get(), most)) {
      if (!element.isTextual()) {
        throw wrong(name + "[" + texts.size() + "]", "a string");
      }
      texts.add(element.textValue());
    }
    return texts;
  }

  /** An array of arrays of whole numbers. */
  public Optional<List<List<Integer>>> integerLists(String name, int most, int mostEach) {
    return value(name, JsonNode::isArray, "an array of arrays of whole numbers")
        .map(
            array -> {
              List<List<Integer>> lists = new ArrayList<>();
              for (JsonNode element : limited(name, array, most)) {
                String place = name + "[" + lists.size() + "]";
                if (!element.isArray()) {
                  throw wrong(place, "an array of whole numbers");
                }
                lists.add(integers(place, element, mostEach));
              }
              return lists;
            });
  }

  /** An array of whole numbers. */
  public Optional<List<Integer>> integers(String name, int most) {
    return value(name, JsonNode::isArray, "an array of whole numbers")
        .map(array -> integers(name, array, most));
  }

  private List<Integer> integers(String name, JsonNode array, int most) {
    List<Integer> numbers = new ArrayList<>();
    for (JsonNode element : limited(name, array, most)) {
      if (!element.isIntegralNumber() || !element.canConvertToInt()) {
        throw wrong(name + "[" + numbers.size() + "]", "a whole number");
      }
      numbers.add(element.intValue());
    }
    return numbers;
  }

  /** An object. */
  public Optional<JsonFields> object(String name) {
    return value(name, JsonNode::isObject, "an object").map(n -> new JsonFields(n, at(name) + "."));
  }

  /** An object whose fields have any names: each is read by {@code each}, given its path. */
  public <T> Optional<Map<String, T>> map(
      String name, int most, BiFunction<String, JsonFields, T> each) {
    return object(name)
        .map(
            fields -> {
              Map<String, T> map = new LinkedHashMap<>();
              if (fields.object.size() > most) {
                throw tooMany(name, fields.object.size(), most);
              }
              for (Iterator<String> names = fields.object.fieldNames(); names.hasNext(); ) {
                String key = names.next();
                map.put(key, each.apply(key, fields));
              }
              return map;
            });
  }

  /** An array of objects. */
  public Optional<List<JsonFields>> objects(String name, int most) {
    return value(name, JsonNode::isArray, "an array of objects")
        .map(array -> objects(name, array, most));
  }

  private List<JsonFields> objects(String name, JsonNode array, int most) {
    List<JsonFields> objects = new ArrayList<>();
    for (JsonNode element : limited(name, array, most)) {
      String place = name + "[" + objects.size() + "]";
      if (!element.isObject()) {
        throw wrong(place, "an object");
      }
      objects.add(new JsonFields(element, at(place) + "."));
    }
    return objects;
  }

  /** Whether a field is there and is of a kind: for those that may be of several. */
  public boolean isText(String name) {
    return object.path(name).isTextual();
  }

  /** As {@link #isText}: an array, the first element of which is a number. */
  public boolean isNumbers(String name) {
    return object.path(name).path(0).isNumber();
  }

  /** As {@link #isText}: an array, the first element of which is an array. */
  public boolean isLists(String name) {
    return object.path(name).path(0).isArray();
  }

  /** As {@link #isText}: an array. */
  public boolean isArray(String name) {
    return object.path(name).isArray();
  }

  /** Whether a field is there and not null. */
  public boolean has(String name) {
    return get(name) != null;
  }

  /** An object of any form, for those who read it themselves. */
  public Optional<JsonNode> node(String name) {
    return value(name, JsonNode::isObject, "an object");
  }

  /** A string that must be there and be a JSON object, as the arguments of calls are. */
  public JsonNode requiredJson(String name) {
    try {
      JsonNode value = JSON.readTree(requiredText(name));
      if (value != null && value.isObject()) {
        return value;
      }
    } catch (JacksonException e) {
      // Said below.
    }
    throw wrong(name, "a string with a JSON object");
  }

  /** A field that may only say what is done anyway. */
  public void only(String name, String why, Object... neutral) {
    known.add(name);
    JsonNode given = get(name);
    if (given == null) {
      return;
    }
    for (Object value : neutral) {
      if (given.equals(JSON.valueToTree(value))) {
        return;
      }
    }
    throw ApiException.unsupported(at(name), at(name) + ": " + why);
  }

  /** Fields that are known elsewhere and not supported here. */
  public void unsupported(String... names) {
    for (String name : names) {
      if (get(name) != null) {
        throw ApiException.unsupported(at(name), at(name) + " is not supported");
      }
    }
  }

  /**
   * Refuses whatever nobody asked for.
   *
   * @throws ApiException naming the first of them
   */
  public void end() {
    for (Iterator<String> names = object.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!known.contains(name) && get(name) != null) {
        throw ApiException.invalid(
            at(shortened(name)),
            "unknown_parameter",
            at(shortened(name)) + " is not a parameter that is supported here");
      }
    }
  }

  /** Where a field stands. */
  public String at(String name) {
    return path + name;
  }

  /** That a field is missing. */
  public ApiException missing(String name) {
    return ApiException.invalid(at(name), "missing_required_parameter", at(name) + " is missing");
  }

  private Optional<JsonNode> value(String name, Predicate<JsonNode> kind, String what) {
    known.add(name);
    JsonNode given = get(name);
    if (given != null && !kind.test(given)) {
      throw wrong(name, what);
    }
    return Optional.ofNullable(given);
  }

  private @Nullable JsonNode get(String name) {
    JsonNode given = object.get(name);
    return given == null || given.isNull() ? null : given;
  }

  private Iterable<JsonNode> limited(String name, JsonNode array, int most) {
    if (array.size() > most) {
      throw tooMany(name, array.size(), most);
    }
    return array;
  }

  private ApiException tooMany(String name, int size, int most) {
    return ApiException.invalid(
        at(name), at(name) + " has " + size + " elements: at most " + most + " may be given");
  }

  private ApiException wrong(String name, String what) {
    return ApiException.invalid(at(name), "invalid_type", at(name) + ": must be " + what);
  }

  /** 3 and 3.0, but neither 3.5 nor a number of a thousand digits. */
  private static boolean isWhole(JsonNode node) {
    if (!node.isNumber()) {
      return false;
    }
    BigDecimal value = node.decimalValue();
    return value.precision() - (long) value.scale() <= MAX_NUMBER
        && value.scale() <= MAX_NUMBER
        && value.stripTrailingZeros().scale() <= 0;
  }

  private void within(String name, JsonNode number, BigDecimal low, BigDecimal high) {
    BigDecimal value = number.decimalValue();
    if (value.compareTo(low) < 0 || value.compareTo(high) > 0) {
      throw ApiException.invalid(
          at(name), "%s: must be from %s to %s".formatted(at(name), plain(low), plain(high)));
    }
  }

  private static String plain(BigDecimal number) {
    return number.stripTrailingZeros().toPlainString().toLowerCase(Locale.ROOT);
  }

  private static String shortened(String name) {
    return name.length() <= 64 ? name : name.substring(0, 64) + "…";
  }
}
