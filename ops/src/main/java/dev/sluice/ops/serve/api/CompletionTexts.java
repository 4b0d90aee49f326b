package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.sampling.TokenLogit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The text of one completion as it grows, and the probabilities of its tokens. */
final class CompletionTexts {
  private final TokenTexts tokens;
  private final boolean logprobs;
  private final StringBuilder text = new StringBuilder();
  private final List<Token> unsaid = new ArrayList<>();
  private List<Integer> prompt = List.of();
  private double sum;
  private int count;
  private int echoed;

  /** Where the next token's text begins. */
  private int offset;

  /** What is told of a token; the first of a prompt has no probability. */
  private record Token(
      int id, String text, int offset, double logProbability, List<TokenLogit> top, float sum) {}

  CompletionTexts(TokenTexts tokens, boolean logprobs) {
    this.tokens = tokens;
    this.logprobs = logprobs;
  }

  void on(TextEvent event) {
    switch (event) {
      case TextEvent.Prompt(String asked, List<Integer> ids) -> {
        text.append(asked);
        echoed = asked.length();
        prompt = ids;
        if (logprobs && !ids.isEmpty()) {
          add(ids.getFirst(), Double.NaN, List.of(), 0);
        }
      }
      case TextEvent.Scored scored -> {
        int next = scored.position() + 1;
        if (logprobs && next < prompt.size()) {
          add(
              prompt.get(next),
              scored.nextLogProbability().orElse(Double.NaN),
              scored.top(),
              scored.logSumExp());
        }
      }
      case TextEvent.Piece piece -> {
        text.append(piece.text());
        sum += piece.logProbability();
        count++;
        if (logprobs) {
          add(piece.id(), piece.logProbability(), piece.top(), piece.logSumExp());
        }
      }
      case TextEvent.Recovered _, TextEvent.Finished _ -> {}
    }
  }

  private void add(int id, double logProbability, List<TokenLogit> top, float logSumExp) {
    String own = tokens.text(id);
    unsaid.add(new Token(id, own, offset, logProbability, top, logSumExp));
    offset += own.length();
  }

  /** The whole answer, until it is taken; an echoed prompt is not of it. */
  String answer() {
    return text.substring(echoed);
  }

  /** How likely the answer was, by token. */
  double meanLogProbability() {
    return count == 0 ? Double.NEGATIVE_INFINITY : sum / count;
  }

  /** The text since it was last taken. */
  String takeText() {
    String taken = text.toString();
    text.setLength(0);
    return taken;
  }

  boolean hasUnsaid() {
    return !text.isEmpty() || !unsaid.isEmpty();
  }

  /** The field {@code logprobs}, with the tokens since it was last written. */
  void writeProbabilities(JsonGenerator json) throws IOException {
    if (!logprobs) {
      json.writeNullField("logprobs");
      return;
    }
    json.writeObjectFieldStart("logprobs");
    json.writeArrayFieldStart("tokens");
    for (Token token : unsaid) {
      json.writeString(token.text());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("token_logprobs");
    for (Token token : unsaid) {
      if (Double.isNaN(token.logProbability())) {
        json.writeNull();
      } else {
        json.writeNumber(TokenTexts.finite(token.logProbability()));
      }
    }
    json.writeEndArray();
    json.writeArrayFieldStart("top_logprobs");
    for (Token token : unsaid) {
      if (Double.isNaN(token.logProbability())) {
        json.writeNull();
      } else {
        writeTop(json, token);
      }
    }
    json.writeEndArray();
    json.writeArrayFieldStart("text_offset");
    for (Token token : unsaid) {
      json.writeNumber(token.offset());
    }
    json.writeEndArray();
    json.writeEndObject();
    unsaid.clear();
  }

  private void writeTop(JsonGenerator json, Token token) throws IOException {
    json.writeStartObject();
    for (TokenLogit top : token.top()) {
      json.writeNumberField(
          tokens.text(top.id()), TokenTexts.finite((double) top.logit() - token.sum()));
    }
    json.writeEndObject();
  }
}
