package dev.sluice.model.training;

import java.lang.foreign.MemorySegment;

/**
 * Inverted dropout (Srivastava et al., 2014): elements are left out by chance, the others scaled
 * up. A draw is a function of seed, batch, place and element, so that the backward pass, and a run
 * that was resumed, leave out the same.
 */
final class Dropout {
  private final Compute compute;
  private final double share;
  private final long seed;
  private long stream;
  private boolean enabled;

  Dropout(Compute compute, double share, long seed) {
    this.compute = compute;
    this.share = share;
    this.seed = seed;
  }

  boolean active() {
    return enabled && share > 0;
  }

  /** Whether to leave anything out: in training, not in validation. */
  void enabled(boolean value) {
    enabled = value;
  }

  /** The draws of another batch. */
  void batch(long number) {
    stream = Mix.hash(seed, number);
  }

  /**
   * Leaves out elements of some rows.
   *
   * @param place which of the places in a model that drop
   */
  void apply(MemorySegment x, int rows, int width, int place) {
    if (!active()) {
      return;
    }
    long draws = Mix.hash(stream, place);
    double factor = 1 / (1 - share);
    Numerics numerics = compute.numerics();
    compute.rows(
        rows,
        (from, count) -> {
          for (long i = (long) from * width; i < (long) (from + count) * width; i++) {
            boolean dropped = Mix.unit(Mix.hash(draws, i)) < share;
            numerics.set(x, i, dropped ? 0 : numerics.get(x, i) * factor);
          }
        });
  }
}
