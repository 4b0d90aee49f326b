package dev.sluice.actors.scheduling;

import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;

/**
 * Takes what a {@link BatchScheduler} decides, during the call that made it decide. Must not call
 * the scheduler.
 */
public interface SchedulerOutput {
  /** To be sent to the first stage, in the order of the calls. */
  void send(LinkCommand command);

  /** For the consumer of a request; {@link TokenEvent.Finished} is its last. */
  void deliver(GenerationId request, TokenEvent event);

  /** The request has failed or was refused; nothing else comes for it. */
  void fail(GenerationId request, GenerationException reason);
}
