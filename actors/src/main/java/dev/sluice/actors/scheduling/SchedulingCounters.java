package dev.sluice.actors.scheduling;

/** What a {@link BatchScheduler} counts from its start on, over all pipelines. */
final class SchedulingCounters {
  /** Prompt tokens sent, those left out that were sent to a lost pipeline before. */
  long promptTokens;

  long generatedTokens;
  long finished;
  long failed;
  int maxInFlight;

  /** How often a sequence lost its pipeline and waited for the next. */
  long recoveries;

  /** Tokens sent though a lost pipeline had got them before. */
  long recomputedTokens;

  /** Prompt tokens that were not sent, since another sequence had them. */
  long reusedTokens;

  /** Tokens that some stages of a new pipeline computed again, because the others kept them. */
  long replayedTokens;
}
