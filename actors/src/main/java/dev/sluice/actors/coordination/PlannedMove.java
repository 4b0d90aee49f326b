package dev.sluice.actors.coordination;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A move of layers that somebody wants while the pipeline runs. It goes on running until the nodes
 * have fetched what they lack for it.
 *
 * @param placed where the layers will be
 * @param why they move
 * @param since when they are being fetched, on the coordinator's clock
 */
record PlannedMove(Placement.Placed placed, String why, long since) {
  boolean uses(NodeId id) {
    return placed.stages().stream().anyMatch(stage -> stage.node().equals(id));
  }

  /** What it waits for, in words. */
  static String waiting(List<StagePlace> lacking) {
    return lacking.stream()
        .map(stage -> stage.node() + " has fetched layers " + stage.range())
        .collect(Collectors.joining(" and ", "the layers move when ", ""));
  }
}
