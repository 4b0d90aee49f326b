package dev.sluice.actors.scheduling;

import java.util.HexFormat;
import java.util.UUID;

/**
 * Names one submission of a generation to a head, unique over all gateways: a generation that is
 * submitted anew gets a new one, so that what still comes of the old one is told apart.
 *
 * @param high 64 random bits that name the generation: every submission of it has the same
 * @param low 64 random bits that name the submission
 */
public record GenerationId(long high, long low) {

  /** A new one, of the system's secure random numbers. */
  public static GenerationId random() {
    UUID random = UUID.randomUUID();
    return new GenerationId(random.getMostSignificantBits(), random.getLeastSignificantBits());
  }

  /** By which stages know the generation's sequence, in any slot and epoch; not negative. */
  public long sequence() {
    return high & Long.MAX_VALUE;
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
  }
}
