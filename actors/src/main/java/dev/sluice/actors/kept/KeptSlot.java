package dev.sluice.actors.kept;

/**
 * How the sequence of a slot can go on in a new epoch without being computed from the start.
 *
 * @param slot the slot
 * @param sequence the number of the sequence
 * @param positions how many positions all stages have, once those of {@code rebuilt} have got them
 *     again; 0 where stages hold something that is of no use
 * @param rebuilt bit k is set where stage k computes these positions again
 */
public record KeptSlot(int slot, long sequence, int positions, int rebuilt) {
  /** Stages that the bits of {@code rebuilt} can tell apart. */
  public static final int MOST_STAGES = 31;

  /** Whether a stage computes the kept positions again. */
  public boolean rebuilds(int stage) {
    return rebuilds(rebuilt, stage);
  }

  /** Whether a bit of {@code rebuilt} is set. */
  public static boolean rebuilds(int rebuilt, int stage) {
    return stage < MOST_STAGES && (rebuilt >>> stage & 1) != 0;
  }
}
