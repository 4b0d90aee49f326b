package dev.sluice.actors.scheduling;

/**
 * How far a generation came before it was submitted: its consumer has these events already, and
 * they are not delivered again.
 *
 * @param generated the tokens generated; not copied, nobody changes them
 * @param scored for how many positions of the prompt, from the first, the scores were delivered
 */
@SuppressWarnings("ArrayRecordComponent") // handed over once, from one owner to the next
public record Resume(int[] generated, int scored) {
  /** A generation that begins. */
  public static final Resume NONE = new Resume(new int[0], 0);

  /** Whether the consumer has got anything. */
  public boolean begun() {
    return generated.length > 0 || scored > 0;
  }

  @Override
  public String toString() {
    return "Resume[generated=" + generated.length + " tokens, scored=" + scored + "]";
  }
}
