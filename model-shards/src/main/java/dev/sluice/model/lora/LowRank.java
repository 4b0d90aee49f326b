package dev.sluice.model.lora;

/**
 * What an adapter adds to one matrix {@code W}, {@code [outputs x inputs]}: a multiple of {@code B
 * A}. The arrays are not copied; nobody changes them.
 *
 * @param target the name of {@code W} in the model, such as {@code blk.0.attn_q.weight}
 * @param inputs columns of {@code W}
 * @param outputs rows of {@code W}
 * @param rank rows of {@code A}
 * @param a {@code A}, {@code [rank x inputs]}, row by row
 * @param b {@code B}, {@code [outputs x rank]}, row by row
 */
@SuppressWarnings("ArrayRecordComponent") // large; never changed or compared
public record LowRank(String target, int inputs, int outputs, int rank, float[] a, float[] b) {
  /**
   * Checks that the arrays are as long as the shape says.
   *
   * @throws IllegalArgumentException if not
   */
  public LowRank {
    if (inputs < 1 || outputs < 1 || rank < 1) {
      throw new IllegalArgumentException(
          target + ": a low-rank pair of " + outputs + " x " + rank + " x " + inputs);
    }
    if (a.length != (long) rank * inputs || b.length != (long) outputs * rank) {
      throw new IllegalArgumentException(
          target
              + ": "
              + a.length
              + " and "
              + b.length
              + " elements for "
              + outputs
              + " x "
              + rank
              + " x "
              + inputs);
    }
  }
}
