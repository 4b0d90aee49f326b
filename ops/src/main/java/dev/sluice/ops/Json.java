package dev.sluice.ops;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;

/** JSON on standard output: one object a line. */
public final class Json {
  private static final JsonFactory FACTORY = new JsonFactory();

  private Json() {}

  /** Writes the fields of one object. */
  public interface Fields {
    /** Writes them, the names too. */
    void write(JsonGenerator json) throws IOException;
  }

  /** Prints an object on a line of its own, at once. */
  public static void print(Fields fields) {
    Streams.out().println(object(fields));
    Streams.out().flush();
  }

  /** An object as text. */
  public static String object(Fields fields) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(text)) {
      json.writeStartObject();
      fields.write(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /**
   * As {@link #number(JsonGenerator, String, double)}, in the fewest digits that tell the float.
   */
  public static void number(JsonGenerator json, String name, float value) throws IOException {
    if (Float.isFinite(value)) {
      json.writeNumberField(name, value);
    } else {
      json.writeNullField(name);
    }
  }

  /** A number that JSON has no word for (an infinity, NaN) is null. */
  public static void number(JsonGenerator json, String name, double value) throws IOException {
    if (Double.isFinite(value)) {
      json.writeNumberField(name, value);
    } else {
      json.writeNullField(name);
    }
  }
}
