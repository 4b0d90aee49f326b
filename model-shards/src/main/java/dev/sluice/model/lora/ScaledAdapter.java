package dev.sluice.model.lora;

import java.util.Objects;

/**
 * An adapter and how much of it: {@code y = W x + scale * factor * B (A x)}.
 *
 * @param adapter the adapter
 * @param scale what the user multiplies it by: 1 as it was trained, 0 for nothing
 */
public record ScaledAdapter(LoraAdapter adapter, float scale) {
  /**
   * Checks the scale.
   *
   * @throws IllegalArgumentException if it is not finite
   */
  public ScaledAdapter {
    Objects.requireNonNull(adapter, "adapter");
    if (!Float.isFinite(scale)) {
      throw new IllegalArgumentException("the scale of an adapter is " + scale);
    }
  }
}
