package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.stages.sampling.TokenLogit;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Tokens and their probabilities, as answers tell them. */
record TokenTexts(Tokenizer tokenizer) {
  /** Stands for a probability of zero, as OpenAI has it. */
  private static final double NEVER = -9999;

  /** The bytes of a token; a control token as the vocabulary writes it. */
  byte[] bytes(int id) {
    return tokenizer.isSpecial(id)
        ? tokenizer.piece(id).getBytes(StandardCharsets.UTF_8)
        : tokenizer.bytes(id);
  }

  /** As text; bytes that are no whole characters become U+FFFD. */
  String text(int id) {
    return new String(bytes(id), StandardCharsets.UTF_8);
  }

  /** The fields token, logprob and bytes. */
  void write(JsonGenerator json, int id, double logProbability) throws IOException {
    byte[] bytes = bytes(id);
    json.writeStringField("token", new String(bytes, StandardCharsets.UTF_8));
    json.writeNumberField("logprob", finite(logProbability));
    json.writeArrayFieldStart("bytes");
    for (byte value : bytes) {
      json.writeNumber(value & 0xff);
    }
    json.writeEndArray();
  }

  /** An array of the most likely tokens. */
  void writeTop(JsonGenerator json, List<TokenLogit> top, float logSumExp) throws IOException {
    json.writeArrayFieldStart("top_logprobs");
    for (TokenLogit token : top) {
      json.writeStartObject();
      write(json, token.id(), (double) token.logit() - logSumExp);
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  static double finite(double logProbability) {
    return Double.isFinite(logProbability) ? logProbability : NEVER;
  }
}
