package dev.sluice.ops.serve.model;

import dev.sluice.stages.flow.TextEvent;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Sees how a request fares; for numbers and logs. Called on the threads of its stream. */
public interface GenerationWatch {
  /** It has got its place. */
  void admitted(Duration waited);

  /** An event of one of its answers. */
  void event(int choice, TextEvent event);

  /**
   * It has ended.
   *
   * @param failure null where it ended in good order
   */
  void ended(@Nullable Throwable failure);
}
