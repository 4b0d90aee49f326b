package dev.sluice.stages.grammar;

import org.jspecify.annotations.Nullable;

/**
 * Where one way through an automaton stands: a node, and the frame that the rule comes back to when
 * it has ended; null for the outermost rule. Immutable; equal where all of the chain is.
 */
final class Frame {
  final int node;
  final @Nullable Frame below;
  private final int hash;

  Frame(int node, @Nullable Frame below) {
    this.node = node;
    this.below = below;
    hash = 31 * (below == null ? 7 : below.hash) + node;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    if (!(other instanceof Frame)) {
      return false;
    }
    Frame a = this;
    Frame b = (Frame) other;
    while (a != b) {
      if (a.hash != b.hash || a.node != b.node) {
        return false;
      }
      Frame nextA = a.below;
      Frame nextB = b.below;
      if (nextA == null || nextB == null) {
        return nextA == nextB;
      }
      a = nextA;
      b = nextB;
    }
    return true;
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
