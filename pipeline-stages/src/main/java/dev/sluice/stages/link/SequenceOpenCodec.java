package dev.sluice.stages.link;

import dev.sluice.stages.grammar.Grammar;
import dev.sluice.stages.sampling.LogitBias;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.transport.codec.MessageHeaderDecoder;
import dev.sluice.transport.codec.MessageHeaderEncoder;
import dev.sluice.transport.codec.SequenceOpenDecoder;
import dev.sluice.transport.codec.SequenceOpenEncoder;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** The payload of an OPEN frame: how a sequence is sampled, and its tokens so far. */
public final class SequenceOpenCodec {
  private static final int MAX_GRAMMAR_BYTES = 4 * Grammar.MAX_LENGTH;

  private SequenceOpenCodec() {}

  /**
   * How a sequence is sampled, and its tokens so far.
   *
   * @param tokens the prompt, then what was generated already; not copied
   * @param promptLength how many of them are the prompt
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over once, from one owner to the next
  public record SequenceOpen(SamplingParameters sampling, int[] tokens, int promptLength) {}

  /** How many bytes {@link #encode} writes. */
  public static int encodedLength(SamplingParameters sampling, int tokens) {
    return MessageHeaderEncoder.ENCODED_LENGTH
        + SequenceOpenEncoder.BLOCK_LENGTH
        + SequenceOpenEncoder.LogitBiasEncoder.HEADER_SIZE
        + sampling.logitBias().size() * SequenceOpenEncoder.LogitBiasEncoder.sbeBlockLength()
        + SequenceOpenEncoder.tokensHeaderLength()
        + tokens * Integer.BYTES
        + SequenceOpenEncoder.grammarHeaderLength()
        + utf8(sampling.grammar()).length;
  }

  private static byte[] utf8(@Nullable Grammar grammar) {
    return (grammar == null ? "" : grammar.text()).getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Writes a message, header included.
   *
   * @param tokens the first {@code length}: the prompt, then what was generated already
   * @return its length in bytes
   */
  public static int encode(
      MutableDirectBuffer buffer,
      int offset,
      SamplingParameters sampling,
      int[] tokens,
      int length,
      int promptLength) {
    SequenceOpenEncoder encoder = new SequenceOpenEncoder();
    encoder.wrapAndApplyHeader(buffer, offset, new MessageHeaderEncoder());
    encoder
        .seed(sampling.seed())
        .promptLength(promptLength)
        .temperature(sampling.temperature())
        .topK(sampling.topK())
        .topP(sampling.topP())
        .minP(sampling.minP())
        .repetitionPenalty(sampling.repetitionPenalty())
        .repetitionWindow(sampling.repetitionWindow())
        .presencePenalty(sampling.presencePenalty())
        .frequencyPenalty(sampling.frequencyPenalty())
        .topLogprobs(sampling.topLogprobs());
    LogitBias bias = sampling.logitBias();
    SequenceOpenEncoder.LogitBiasEncoder group = encoder.logitBiasCount(bias.size());
    for (int i = 0; i < bias.size(); i++) {
      group.next().token(bias.token(i)).bias(bias.bias(i));
    }
    byte[] ids = new byte[length * Integer.BYTES];
    UnsafeBuffer view = new UnsafeBuffer(ids);
    for (int i = 0; i < length; i++) {
      view.putInt(i * Integer.BYTES, tokens[i], ByteOrder.LITTLE_ENDIAN);
    }
    encoder.putTokens(ids, 0, ids.length);
    byte[] grammar = utf8(sampling.grammar());
    encoder.putGrammar(grammar, 0, grammar.length);
    return MessageHeaderEncoder.ENCODED_LENGTH + encoder.encodedLength();
  }

  /**
   * Reads a message and trusts nothing in it.
   *
   * @param vocabularySize every token is below it
   * @param maxTokens how many tokens a sequence may have
   * @throws IllegalArgumentException where the message is malformed, or its values are not allowed
   */
  public static SequenceOpen decode(
      DirectBuffer buffer, int offset, int length, int vocabularySize, int maxTokens) {
    try {
      UnsafeBuffer message = new UnsafeBuffer(buffer, offset, length);
      return decode(message, vocabularySize, maxTokens);
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("the message is shorter than what it says", e);
    }
  }

  private static SequenceOpen decode(UnsafeBuffer message, int vocabularySize, int maxTokens) {
    MessageHeaderDecoder header = new MessageHeaderDecoder().wrap(message, 0);
    if (header.templateId() != SequenceOpenDecoder.TEMPLATE_ID
        || header.schemaId() != SequenceOpenDecoder.SCHEMA_ID
        || header.blockLength() < SequenceOpenDecoder.BLOCK_LENGTH) {
      throw new IllegalArgumentException(
          "not a SequenceOpen message: schema %d, template %d, block of %d bytes"
              .formatted(header.schemaId(), header.templateId(), header.blockLength()));
    }
    SequenceOpenDecoder decoder =
        new SequenceOpenDecoder()
            .wrap(
                message,
                MessageHeaderDecoder.ENCODED_LENGTH,
                header.blockLength(),
                header.version());
    SamplingParameters.Builder sampling =
        SamplingParameters.builder()
            .seed(decoder.seed())
            .temperature(decoder.temperature())
            .topK(decoder.topK())
            .topP(decoder.topP())
            .minP(decoder.minP())
            .repetitionPenalty(decoder.repetitionPenalty())
            .repetitionWindow(decoder.repetitionWindow())
            .presencePenalty(decoder.presencePenalty())
            .frequencyPenalty(decoder.frequencyPenalty())
            .topLogprobs(decoder.topLogprobs());
    Map<Integer, Float> bias = new HashMap<>();
    for (SequenceOpenDecoder.LogitBiasDecoder entry : decoder.logitBias()) {
      bias.put(entry.token(), entry.bias());
    }
    sampling.logitBias(bias);
    int promptLength = decoder.promptLength();
    int[] tokens = tokens(message, decoder, vocabularySize, maxTokens);
    sampling.grammar(grammar(message, decoder));
    if (promptLength < 1 || promptLength > tokens.length) {
      throw new IllegalArgumentException(
          "a prompt of %d tokens, of %d in all".formatted(promptLength, tokens.length));
    }
    return new SequenceOpen(sampling.build(), tokens, promptLength);
  }

  private static int[] tokens(
      UnsafeBuffer message, SequenceOpenDecoder decoder, int vocabularySize, int maxTokens) {
    int bytes = decoder.tokensLength();
    if (bytes < 0 || bytes % Integer.BYTES != 0 || bytes / Integer.BYTES > maxTokens) {
      throw new IllegalArgumentException(
          "%d bytes of tokens: a sequence has at most %d tokens of 4 bytes"
              .formatted(bytes, maxTokens));
    }
    int from = decoder.limit() + SequenceOpenDecoder.tokensHeaderLength();
    message.boundsCheck(from, bytes);
    int[] tokens = new int[bytes / Integer.BYTES];
    for (int i = 0; i < tokens.length; i++) {
      int token = message.getInt(from + i * Integer.BYTES, ByteOrder.LITTLE_ENDIAN);
      if (token < 0 || token >= vocabularySize) {
        throw new IllegalArgumentException(
            "token %d at %d: the vocabulary has %d".formatted(token, i, vocabularySize));
      }
      tokens[i] = token;
    }
    decoder.limit(from + bytes);
    return tokens;
  }

  private static @Nullable Grammar grammar(UnsafeBuffer message, SequenceOpenDecoder decoder) {
    int bytes = decoder.grammarLength();
    if (bytes < 0 || bytes > MAX_GRAMMAR_BYTES) {
      throw new IllegalArgumentException(
          "a grammar of %d bytes: at most %d".formatted(bytes, MAX_GRAMMAR_BYTES));
    }
    if (bytes == 0) {
      return null;
    }
    int from = decoder.limit() + SequenceOpenDecoder.grammarHeaderLength();
    message.boundsCheck(from, bytes);
    byte[] text = new byte[bytes];
    message.getBytes(from, text);
    return new Grammar(new String(text, StandardCharsets.UTF_8));
  }
}
