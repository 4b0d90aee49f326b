package dev.sluice.model.training.corpus;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What has been said so far: the values of the slots. One thread. */
final class Facts {
  private final Map<Slot, String> values = new EnumMap<>(Slot.class);

  Facts() {}

  Facts(Facts other) {
    values.putAll(other.values);
  }

  @Nullable String get(Slot slot) {
    return values.get(slot);
  }

  /** A value that has been said. */
  String need(Slot slot) {
    return Objects.requireNonNull(values.get(slot), slot.name());
  }

  boolean has(Slot slot) {
    return values.containsKey(slot);
  }

  void put(Slot slot, String value) {
    values.put(slot, value);
  }

  void remove(Slot slot) {
    values.remove(slot);
  }
}
