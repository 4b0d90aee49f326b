package dev.sluice.actors.placement;

/**
 * How fast a node multiplies with weights of one type, all its cores together, in multiply-adds a
 * second.
 *
 * @param decode one token at a time: as a rule bound by memory
 * @param prompt many tokens at a time: as a rule bound by arithmetic
 */
public record KernelRate(double decode, double prompt) {
  /** What a core is taken to do where nothing was measured. */
  private static final double DECODE_PER_CORE = 8e9;

  private static final double PROMPT_PER_CORE = 25e9;

  /**
   * Checks the numbers, which may come from another machine.
   *
   * @throws IllegalArgumentException for one that is not a positive, finite number
   */
  public KernelRate {
    if (!(decode > 0 && decode < Double.MAX_VALUE && prompt > 0 && prompt < Double.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "no speed: " + decode + " multiply-adds/s decoding, " + prompt + " with prompts");
    }
  }

  /** What a machine with so many cores is taken to do where nothing was measured. */
  public static KernelRate assumed(int cores) {
    return new KernelRate(cores * DECODE_PER_CORE, cores * PROMPT_PER_CORE);
  }
}
