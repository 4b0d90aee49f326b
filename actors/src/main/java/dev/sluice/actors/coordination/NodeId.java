package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;

/**
 * One life of a node: a process that starts again, or joins again, is another one.
 *
 * @param name what people call it: host and port of its cluster address
 * @param uid tells its lives apart
 */
public record NodeId(String name, long uid) implements WireMessage, Comparable<NodeId> {
  @Override
  public int compareTo(NodeId other) {
    int byName = name.compareTo(other.name);
    return byName != 0 ? byName : Long.compare(uid, other.uid);
  }

  @Override
  public String toString() {
    return name;
  }
}
