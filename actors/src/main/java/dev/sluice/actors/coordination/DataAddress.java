package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;

/**
 * Where a node receives frames: one UDP port for all links; streams tell them apart.
 *
 * @param host a name or literal address; an IPv6 address stands in brackets
 * @param port 0 for a node that only has links within itself
 */
public record DataAddress(String host, int port) implements WireMessage {
  /** Of a node that has no links to others. */
  public static final DataAddress NONE = new DataAddress("", 0);
}
