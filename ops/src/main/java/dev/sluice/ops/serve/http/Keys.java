package dev.sluice.ops.serve.http;

import java.util.Optional;

/** Who may come in. For any thread. */
public interface Keys {
  /** Anyone: no key is asked for. */
  Keys NONE = _ -> Optional.of(Caller.ANYONE);

  /**
   * Whose key this is.
   *
   * @param key as the client gave it; empty where it gave none
   */
  Optional<Caller> caller(Optional<String> key);
}
