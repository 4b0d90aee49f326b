package dev.sluice.stages.flow;

/** An event of the generator, its token decoded. */
sealed interface Decoded {
  /** A token and the whole characters that it completes. */
  record Text(TokenEvent.Token token, String text) implements Decoded {}

  /** A position of the prompt. */
  record Scored(TokenEvent.Scored event) implements Decoded {}

  /** The generation goes on after a loss. */
  record Recovered(TokenEvent.Recovered event) implements Decoded {}

  /** The prompt's beginning was there. */
  record Reused(TokenEvent.Reused event) implements Decoded {}

  /** The end. */
  record Finished(TokenEvent.Finished event) implements Decoded {}
}
