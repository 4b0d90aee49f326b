package dev.sluice.ops.serve.http;

import java.util.Set;

/**
 * Who asks.
 *
 * @param name of the key, for logs; {@code -} where none is needed
 * @param scopes what it may do
 * @param concurrency most requests of it at a time, those that wait included
 * @param tokensPerMinute most tokens, of prompts and answers, in a minute
 * @param priority before whom it goes when requests wait: higher goes first
 */
public record Caller(
    String name, Set<Scope> scopes, int concurrency, long tokensPerMinute, int priority) {
  /** Where there are no keys: may do everything. */
  public static final Caller ANYONE =
      new Caller("-", Set.of(Scope.GENERATE, Scope.WATCH), Integer.MAX_VALUE, Long.MAX_VALUE, 0);

  public Caller {
    scopes = Set.copyOf(scopes);
  }

  boolean may(Scope scope) {
    return scope == Scope.OPEN || scopes.contains(scope);
  }
}
