package dev.sluice.model.store;

import java.time.Instant;
import java.util.List;

/**
 * A model in a store, as a list shows it.
 *
 * @param names what it was called; none for one that was only fetched for its layers
 * @param bytes of the whole model
 * @param bytesPresent of what is there of it
 * @param used when it was last opened
 * @param source where it was pulled from; empty where it was only fetched
 */
public record StoredEntry(
    ContentId id,
    List<ModelName> names,
    long bytes,
    long bytesPresent,
    Instant used,
    String source) {
  public StoredEntry {
    names = List.copyOf(names);
  }

  /** Whether all of the model is there. */
  public boolean whole() {
    return bytesPresent == bytes;
  }
}
