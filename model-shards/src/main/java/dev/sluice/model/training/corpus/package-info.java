/**
 * Text to learn from, of our own making: stories from a grammar that writes them and judges them,
 * questions about them, additions; for pre-training and as chats.
 *
 * <p>Everything is a function of a seed and an index, needs no files, and is safe for any thread.
 */
@NullMarked
package dev.sluice.model.training.corpus;

import org.jspecify.annotations.NullMarked;
