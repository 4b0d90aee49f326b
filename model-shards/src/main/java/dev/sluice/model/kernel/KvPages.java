package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;

/** Where the attention finds keys and values; the KV cache is one. */
@FunctionalInterface
public interface KvPages {
  /**
   * The page of a sequence and layer that holds the positions from {@code index * pageTokens} on,
   * laid out by the {@link KvLayout}. Called from worker threads; allocates nothing.
   */
  MemorySegment page(int slot, int layer, int index);
}
