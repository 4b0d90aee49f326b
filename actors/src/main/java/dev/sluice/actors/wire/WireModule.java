package dev.sluice.actors.wire;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.LogitBias;
import dev.sluice.stages.sampling.SamplingParameters;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Types in messages that are no records. Whatever is read goes through the constructors, which
 * check it; found by Akka by its name in the configuration.
 */
public final class WireModule extends SimpleModule {
  private static final long serialVersionUID = 1L;

  /** For Akka. */
  public WireModule() {
    super("sluice");
    setMixInAnnotation(TokenEvent.class, TokenEventNames.class);
    write(TokenRequest.class, Request.class, Request::of, Request::restore);
    write(LogitBias.class, Bias.class, Bias::of, Bias::restore);
    write(GenerationException.class, Failure.class, Failure::of, Failure::restore);
  }

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = TokenEvent.Scored.class, name = "scored"),
    @JsonSubTypes.Type(value = TokenEvent.Token.class, name = "token"),
    @JsonSubTypes.Type(value = TokenEvent.Recovered.class, name = "recovered"),
    @JsonSubTypes.Type(value = TokenEvent.Reused.class, name = "reused"),
    @JsonSubTypes.Type(value = TokenEvent.Finished.class, name = "finished")
  })
  private interface TokenEventNames {}

  @SuppressWarnings("ArrayRecordComponent") // passed through once
  private record Request(
      int[] prompt,
      SamplingParameters sampling,
      int maxTokens,
      int[] stopTokens,
      boolean scorePrompt,
      boolean tellRecoveries) {
    static Request of(TokenRequest request) {
      return new Request(
          request.prompt(),
          request.sampling(),
          request.maxTokens(),
          request.stopTokens(),
          request.scorePrompt(),
          request.tellRecoveries());
    }

    TokenRequest restore() {
      TokenRequest request = new TokenRequest(prompt, sampling, maxTokens, stopTokens, scorePrompt);
      return tellRecoveries ? request.tellingRecoveries() : request;
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // passed through once
  private record Bias(int[] tokens, float[] biases) {
    static Bias of(LogitBias bias) {
      int[] tokens = new int[bias.size()];
      float[] biases = new float[bias.size()];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = bias.token(i);
        biases[i] = bias.bias(i);
      }
      return new Bias(tokens, biases);
    }

    LogitBias restore() {
      if (tokens.length != biases.length) {
        throw new IllegalArgumentException(
            tokens.length + " tokens with " + biases.length + " biases");
      }
      Map<Integer, Float> all = new HashMap<>();
      for (int i = 0; i < tokens.length; i++) {
        all.put(tokens[i], biases[i]);
      }
      return LogitBias.of(all);
    }
  }

  private record Failure(
      GenerationException.Kind kind, @Nullable String message, @Nullable Duration retryAfter) {
    static Failure of(GenerationException failure) {
      return new Failure(failure.kind(), failure.getMessage(), failure.retryAfter().orElse(null));
    }

    GenerationException restore() {
      String text = message == null ? "" : message;
      return retryAfter == null
          ? new GenerationException(kind, text)
          : new GenerationException(kind, text, retryAfter);
    }
  }

  private interface Conversion<A, B> {
    B apply(A value);
  }

  /** Writes a type as a record that stands for it. */
  private <T, R> void write(
      Class<T> type, Class<R> record, Conversion<T, R> to, Conversion<R, T> from) {
    addSerializer(
        type,
        new StdSerializer<T>(type) {
          private static final long serialVersionUID = 1L;

          @Override
          public void serialize(T value, JsonGenerator json, SerializerProvider provider)
              throws IOException {
            provider.defaultSerializeValue(to.apply(value), json);
          }
        });
    addDeserializer(
        type,
        new StdDeserializer<T>(type) {
          private static final long serialVersionUID = 1L;

          @Override
          public T deserialize(JsonParser json, DeserializationContext context) throws IOException {
            return from.apply(context.readValue(json, record));
          }
        });
  }
}
