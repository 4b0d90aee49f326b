package dev.sluice.actors.cluster;

import dev.sluice.model.arch.ModelFootprint;
import org.jspecify.annotations.Nullable;

/** The models that this process knows enough of to place them. For any thread. */
@FunctionalInterface
interface ModelLibrary {
  /**
   * What a model's parts weigh.
   *
   * @param content id of its file
   * @return null where this process has neither the file nor its head
   */
  @Nullable ModelFootprint footprint(String content);
}
