package dev.sluice.actors.kept;

/**
 * What a stage has of a slot's sequence, between two epochs.
 *
 * @param slot the slot
 * @param sequence the number of the sequence, as its opening told it: the same slot of another
 *     stage may have another sequence's
 * @param held positions, from 0 on, that its KV cache holds
 * @param logged positions, from 0 on, whose rows it can give to the next stage from its log
 */
public record HeldSlot(int slot, long sequence, int held, int logged) {}
