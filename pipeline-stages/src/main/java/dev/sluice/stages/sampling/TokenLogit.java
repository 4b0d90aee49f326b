package dev.sluice.stages.sampling;

/**
 * A token and its raw logit: as the model gave it, before bias, penalties and temperature.
 *
 * @param id the token
 * @param logit its raw logit
 */
public record TokenLogit(int id, float logit) {}
