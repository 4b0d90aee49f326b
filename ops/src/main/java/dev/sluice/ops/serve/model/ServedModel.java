package dev.sluice.ops.serve.model;

import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.tokenizer.Tokenizer;

/**
 * The model that is served.
 *
 * @param id what clients call it
 * @param created seconds since 1970 when it was loaded
 * @param fingerprint tells what its answers depend on besides the request: same fingerprint, same
 *     request with a seed, same answer
 * @param contextTokens longest sequence, prompt and answer
 * @param maxSequences sequences that are computed at a time
 */
public record ServedModel(
    String id,
    long created,
    String fingerprint,
    Tokenizer tokenizer,
    ChatTemplate template,
    int contextTokens,
    int maxSequences,
    Backend backend) {}
