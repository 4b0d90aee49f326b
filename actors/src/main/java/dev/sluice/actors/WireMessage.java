package dev.sluice.actors;

/**
 * A message that goes from one node to another: a record, written as CBOR. Whoever receives one has
 * checked nothing yet.
 */
public interface WireMessage {}
