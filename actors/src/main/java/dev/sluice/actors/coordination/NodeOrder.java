package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import org.jspecify.annotations.Nullable;

/**
 * All that a node is to do from an epoch on: what is not in it ends.
 *
 * @param epoch nodes refuse an order of an older one than they know
 * @param plan the pipeline; null where there is none for now
 * @param head the node that keeps the scheduler, with or without a pipeline; null for none
 * @param reason why the epoch before is over
 * @param attachment for the head, when every stage is ready
 */
public record NodeOrder(
    int epoch,
    @Nullable EpochPlan plan,
    @Nullable NodeId head,
    String reason,
    @Nullable Attachment attachment)
    implements WireMessage {}
