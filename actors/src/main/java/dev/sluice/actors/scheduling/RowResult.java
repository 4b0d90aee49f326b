package dev.sluice.actors.scheduling;

import dev.sluice.stages.sampling.TokenLogit;
import java.util.List;

/**
 * What came back for one row of logits, or for an entry that failed.
 *
 * @param slot the sequence's slot
 * @param position of the row; the token stands one further
 * @param token the sampled token; for a row within the prompt, the prompt's next token
 * @param failure 0, or a failure code of {@link dev.sluice.model.shard.MicroBatch}: then only the
 *     slot and the stage mean something
 * @param failedStage index of the stage that failed
 * @param logit the token's raw logit
 * @param logSumExp of the row
 * @param top the largest raw logits
 */
public record RowResult(
    int slot,
    int position,
    int token,
    int failure,
    int failedStage,
    float logit,
    float logSumExp,
    List<TokenLogit> top) {}
