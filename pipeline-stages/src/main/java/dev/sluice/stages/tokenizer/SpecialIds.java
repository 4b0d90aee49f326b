package dev.sluice.stages.tokenizer;

import java.util.BitSet;

/**
 * The tokens around a text and what is done with them. Ids that a vocabulary has not are {@link
 * Vocabulary#NONE}.
 *
 * @param bos begins a text: BOS, or CLS
 * @param eos ends a text for the model
 * @param end what encoding adds at the end: EOS, or SEP
 * @param unknown stands for what cannot be encoded
 * @param addBos whether encoding adds {@code bos}
 * @param addEos whether encoding adds {@code end}
 * @param endOfGeneration after which the model has said all
 * @param takesSpaceBehind written-out tokens that swallow white space behind them
 */
record SpecialIds(
    int bos,
    int eos,
    int end,
    int unknown,
    boolean addBos,
    boolean addEos,
    BitSet endOfGeneration,
    BitSet takesSpaceBehind) {}
