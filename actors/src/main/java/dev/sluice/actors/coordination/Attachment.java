package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.actors.kept.KeptSlot;
import java.util.List;

/**
 * With what the head begins an epoch, now that every stage is ready.
 *
 * @param capacityPages KV pages of the stage that has the fewest
 * @param pageTokens positions of a page
 * @param kept what becomes of the sequences that stages have something of from the epoch before
 */
public record Attachment(int capacityPages, int pageTokens, List<KeptSlot> kept)
    implements WireMessage {
  public Attachment {
    kept = List.copyOf(kept);
  }
}
