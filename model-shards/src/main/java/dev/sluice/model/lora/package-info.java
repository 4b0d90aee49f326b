/**
 * Low-rank adapters (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021): files,
 * their checks against a model, and merging them into its weights.
 */
@NullMarked
package dev.sluice.model.lora;

import org.jspecify.annotations.NullMarked;
