package dev.sluice.stages.grammar;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The right side of a rule, as it is written. */
sealed interface Expression {
  /** As often as wanted, in {@link Repeat#most}. */
  int UNBOUNDED = -1;

  /** These bytes. */
  @SuppressWarnings("ArrayRecordComponent") // read only
  record Text(byte[] utf8) implements Expression {}

  /** One character of a set. */
  record Characters(CodePoints set) implements Expression {}

  /** One after the other; none is the empty text. */
  record Sequence(List<Expression> parts) implements Expression {}

  /** One of them. */
  record Choice(List<Expression> alternatives) implements Expression {}

  /** From {@code least} to {@code most} times. */
  record Repeat(Expression what, int least, int most) implements Expression {}

  /**
   * What another rule says.
   *
   * @param offset where it is written
   */
  record Reference(String rule, int offset) implements Expression {}

  /**
   * One token of the vocabulary, whatever its text.
   *
   * @param id of the token; or -1
   * @param name as the vocabulary writes it; null where the id is given
   * @param negated whether it is any other token
   */
  record Token(int id, @Nullable String name, boolean negated) implements Expression {}
}
