package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/** A growing list of ints. For one thread. */
final class IntList {
  private int[] values;
  private int size;

  IntList(int capacity) {
    values = new int[Math.max(16, capacity)];
  }

  void add(int value) {
    if (size == values.length) {
      values = Arrays.copyOf(values, Math.multiplyExact(size, 2));
    }
    values[size++] = value;
  }

  int get(int index) {
    return values[index];
  }

  void set(int index, int value) {
    values[index] = value;
  }

  int size() {
    return size;
  }

  void clear() {
    size = 0;
  }

  /** Forgets what was added behind the first so many. */
  void truncate(int length) {
    size = length;
  }

  int[] toArray() {
    return Arrays.copyOf(values, size);
  }
}
