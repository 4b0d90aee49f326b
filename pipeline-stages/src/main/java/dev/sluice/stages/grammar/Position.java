package dev.sluice.stages.grammar;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * All ways through an automaton that fit what was read so far.
 *
 * @param ways that can take more
 * @param complete whether the outermost rule may have ended
 */
record Position(Set<Frame> ways, boolean complete) {
  /** Nothing fits. */
  static final Position NOWHERE = new Position(Set.of(), false);

  boolean fits() {
    return complete || !ways.isEmpty();
  }

  /** What fits this one or the other. */
  Position or(Position other) {
    if (!other.fits()) {
      return this;
    }
    Set<Frame> all = new LinkedHashSet<>(ways);
    all.addAll(other.ways);
    return new Position(all, complete || other.complete);
  }
}
