package dev.sluice.model.training.corpus;

/**
 * What a user says and what the right assistant says.
 *
 * @param user the user's message
 * @param assistant the answer to learn
 */
public record Exchange(String user, String assistant) {}
