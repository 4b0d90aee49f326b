package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What gateways have to know.
 *
 * @param epoch the pipeline's
 * @param status whether it serves
 * @param head the node whose scheduler takes requests; null where there is none for now
 * @param reason why it does not serve; empty where it does
 * @param retryAfter when a request that is refused for this may be tried again
 */
public record PipelineState(
    int epoch, Status status, @Nullable NodeId head, String reason, Duration retryAfter)
    implements WireMessage {
  /** Whether a pipeline serves. */
  public enum Status {
    /** Requests are computed. */
    SERVING,
    /** It is being built; requests wait for it. */
    BUILDING,
    /** There is none until something changes: requests that run wait, new ones are refused. */
    UNAVAILABLE,
    /** There will be none any more. */
    CLOSED
  }
}
