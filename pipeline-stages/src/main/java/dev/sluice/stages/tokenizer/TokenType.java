package dev.sluice.stages.tokenizer;

/** What a token is for; the numbers are those of {@code tokenizer.ggml.token_type}. */
final class TokenType {
  static final byte UNDEFINED = 0;
  static final byte NORMAL = 1;
  static final byte UNKNOWN = 2;
  static final byte CONTROL = 3;
  static final byte USER_DEFINED = 4;
  static final byte UNUSED = 5;
  static final byte BYTE = 6;

  private TokenType() {}
}
