package dev.sluice.stages.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Strings and numbers of a JSON Schema. */
final class JsonScalarGrammar {
  private static final String DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
  private static final String TIME =
      "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])";
  private static final String BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  private static final String LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

  /** Formats of RFC 3339, 4122, 1123, 2673, 4291, 3986 as patterns; days end with the 28th. */
  private static final Map<String, String> FORMATS =
      Map.of(
          "date", "^" + DATE + "$",
          "time", "^" + TIME + "$",
          "date-time", "^" + DATE + "T" + TIME + "$",
          "duration",
              "^P([0-9]{1,4}D(T[0-9]{1,4}[HMS])?|[0-9]{1,4}[YMW]|T[0-9]{1,4}H([0-9]{1,2}M([0-9]{1,2}S)?)?"
                  + "|T[0-9]{1,4}M([0-9]{1,2}S)?|T[0-9]{1,4}S)$",
          "uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
          "email", "^[a-zA-Z0-9_+-]+(\\.[a-zA-Z0-9_+-]+)*@" + LABEL + "(\\." + LABEL + ")+$",
          "hostname", "^" + LABEL + "(\\." + LABEL + ")*$",
          "ipv4", "^" + BYTE + "(\\." + BYTE + "){3}$",
          "ipv6", "^[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){7}$",
          "uri",
              "^[a-z][a-z0-9+.-]*:(//[a-zA-Z0-9.-]+(:[0-9]{1,5})?)?"
                  + "(/[a-zA-Z0-9._~!$&'()*+,;=:@-]*)*(\\?[a-zA-Z0-9._~!$&'()*+,;=:@/?-]*)?$");

  private JsonScalarGrammar() {}

  static String string(JsonNode schema, String path) {
    int least = count(schema, "minLength", 0, path);
    int most = count(schema, "maxLength", -1, path);
    JsonNode written = schema.get("pattern");
    String format = schema.path("format").asText("");
    String pattern = written == null ? FORMATS.get(format) : written.asText();
    if (pattern != null) {
      boolean bounded = least > 0 || most >= 0;
      if (bounded || (written != null && FORMATS.containsKey(format))) {
        throw JsonSchemaGrammar.problem(
            path,
            "only one of 'pattern', 'format' and 'minLength' or 'maxLength' is supported at a"
                + " time");
      }
      try {
        return "\"\\\"\" (" + PatternGrammar.of(pattern) + ") \"\\\"\"";
      } catch (GrammarException e) {
        throw JsonSchemaGrammar.problem(path, "" + e.getMessage());
      }
    }
    if (most >= 0 && least > most) {
      throw JsonSchemaGrammar.problem(
          path, "a string of at least %d and at most %d characters".formatted(least, most));
    }
    return least == 0 && most < 0
        ? "string"
        : "\"\\\"\" " + GbnfText.repeat("char", least, most) + " \"\\\"\"";
  }

  static String number(JsonNode schema, String path, boolean whole) {
    BigInteger least = bound(schema, "minimum", "exclusiveMinimum", 1, path, whole);
    BigInteger most = bound(schema, "maximum", "exclusiveMaximum", -1, path, whole);
    if (least == null && most == null) {
      return whole ? "integer" : "number";
    }
    NumberRange range = new NumberRange(least, most);
    if (range.isEmpty()) {
      throw JsonSchemaGrammar.problem(
          path, "no number is at least %s and at most %s".formatted(least, most));
    }
    return whole ? range.integers() : range.numbers();
  }

  private static @Nullable BigInteger bound(
      JsonNode schema, String keyword, String exclusive, int inwards, String path, boolean whole) {
    BigInteger bound = null;
    if (schema.has(keyword)) {
      bound = whole(schema.get(keyword), keyword, inwards, path, whole);
    }
    JsonNode strict = schema.get(exclusive);
    if (strict == null || strict.isBoolean()) {
      if (strict != null && strict.booleanValue()) {
        throw JsonSchemaGrammar.problem(path, "'" + exclusive + "' is a number");
      }
      return bound;
    }
    BigInteger next = whole(strict, exclusive, inwards, path, whole);
    if (strict.decimalValue().compareTo(new BigDecimal(next)) == 0) {
      if (!whole) {
        throw JsonSchemaGrammar.problem(
            path, "'" + exclusive + "' of numbers is not supported; of integers it is");
      }
      next = next.add(BigInteger.valueOf(inwards));
    }
    return bound == null ? next : inwards > 0 ? bound.max(next) : bound.min(next);
  }

  private static BigInteger whole(
      JsonNode bound, String keyword, int inwards, String path, boolean ofIntegers) {
    if (!bound.isNumber() || Math.abs(bound.doubleValue()) > 1e18) {
      throw JsonSchemaGrammar.problem(path, "'" + keyword + "' is a number up to 10^18");
    }
    BigDecimal value = bound.decimalValue();
    BigDecimal rounded = value.setScale(0, inwards > 0 ? RoundingMode.CEILING : RoundingMode.FLOOR);
    if (!ofIntegers && rounded.compareTo(value) != 0) {
      throw JsonSchemaGrammar.problem(
          path, "'" + keyword + "' must be a whole number to be supported");
    }
    return rounded.toBigIntegerExact();
  }

  /** A length or a number of items; what is missing where it is not said. */
  static int count(JsonNode schema, String keyword, int missing, String path) {
    JsonNode value = schema.get(keyword);
    if (value == null) {
      return missing;
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
      throw JsonSchemaGrammar.problem(path, "'" + keyword + "' is a whole number from 0 on");
    }
    if (value.intValue() > GbnfParser.MAX_REPEAT) {
      throw JsonSchemaGrammar.problem(
          path, "'" + keyword + "' is at most " + GbnfParser.MAX_REPEAT);
    }
    return value.intValue();
  }
}
