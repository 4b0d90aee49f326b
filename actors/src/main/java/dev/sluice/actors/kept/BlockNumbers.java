package dev.sluice.actors.kept;

/** Numbers of blocks that nobody uses: a stack, the lowest number on top at first. */
final class BlockNumbers {
  private final int[] numbers;
  private int count;

  BlockNumbers(int first, int count) {
    numbers = new int[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = first + count - 1 - i;
    }
    this.count = count;
  }

  boolean isEmpty() {
    return count == 0;
  }

  int take() {
    return numbers[--count];
  }

  void give(int number) {
    numbers[count++] = number;
  }

  /** None is to be had any more. */
  void clear() {
    count = 0;
  }
}
