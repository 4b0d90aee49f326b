package dev.sluice.ops.serve.http;

/** What a key may be allowed to do. */
public enum Scope {
  /** Anyone may, without a key. */
  OPEN,
  /** Generating and all that belongs to it. */
  GENERATE,
  /** Reading how the server does: metrics, slots, properties. */
  WATCH
}
