package dev.sluice.ops.serve.model;

import dev.sluice.stages.flow.TextRequest;
import java.time.Duration;
import java.util.List;

/**
 * The answers that a call asks for, all computed at a time.
 *
 * @param requests one for each answer, those to the same prompt side by side
 * @param perPrompt answers to each prompt
 * @param time for all of it, waiting included
 * @param priority beyond the caller's own
 * @param outlives whether the answers go on when the caller's connection ends
 */
public record Batch(
    List<TextRequest> requests, int perPrompt, Duration time, int priority, boolean outlives) {
  public Batch {
    requests = List.copyOf(requests);
  }

  /** Whether an answer is the first to its prompt, so that the prompt's tokens count with it. */
  public boolean countsPrompt(int choice) {
    return choice % perPrompt == 0;
  }
}
