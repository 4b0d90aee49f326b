package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;

/**
 * How a node's scheduler is doing.
 *
 * @param present whether the node has one
 * @param attachedEpoch the epoch whose stages it serves; 0 for none
 * @param failedEpoch the last epoch in which its side failed; 0 for none
 * @param reason of that failure
 */
public record HeadReport(boolean present, int attachedEpoch, int failedEpoch, String reason)
    implements WireMessage {
  /** Of a node without a scheduler. */
  public static final HeadReport NONE = new HeadReport(false, 0, 0, "");
}
