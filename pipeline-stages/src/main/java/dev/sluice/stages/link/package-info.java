/**
 * The last node's stream: logits in from the shard's thread, sampled tokens out on the token link.
 */
@NullMarked
package dev.sluice.stages.link;

import org.jspecify.annotations.NullMarked;
