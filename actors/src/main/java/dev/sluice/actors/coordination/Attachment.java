package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import java.util.List;

/**
 * With what the head begins an epoch, now that every stage is ready.
 *
 * @param capacityPages KV pages of the stage that has the fewest
 * @param pageTokens positions of a page
 * @param kept for each slot the positions that all stages have, or will have by replaying; empty
 *     for none
 */
public record Attachment(int capacityPages, int pageTokens, List<Integer> kept)
    implements WireMessage {
  public Attachment {
    kept = List.copyOf(kept);
  }
}
