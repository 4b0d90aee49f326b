package dev.sluice.stages.sampling;

/**
 * Makes tokens of the recent log less likely: the repetition penalty of CTRL (Keskar et al., 2019),
 * in llama.cpp's form that multiplies negative logits, and the presence and frequency penalties of
 * OpenAI's API.
 */
final class Penalties {
  private Penalties() {}

  /**
   * Changes the logits of the tokens among the last {@link SamplingParameters#repetitionWindow} of
   * the log.
   *
   * @param logits of the whole vocabulary, changed in place
   * @param log the sequence's tokens, prompt and answer, each within the vocabulary
   * @param length how many they are
   * @param counts as long as the vocabulary, all zero, and so again afterwards
   */
  static void apply(
      float[] logits, SamplingParameters parameters, int[] log, int length, int[] counts) {
    if (!parameters.penalized()) {
      return;
    }
    int window = parameters.repetitionWindow();
    int first = window < 0 || window > length ? 0 : length - window;
    for (int i = first; i < length; i++) {
      counts[log[i]]++;
    }
    for (int i = first; i < length; i++) {
      int id = log[i];
      int count = counts[id];
      if (count > 0) {
        counts[id] = 0;
        logits[id] = penalize(logits[id], count, parameters);
      }
    }
  }

  private static float penalize(float logit, int count, SamplingParameters parameters) {
    if (logit == Float.NEGATIVE_INFINITY) {
      return logit;
    }
    double penalty = parameters.repetitionPenalty();
    double scaled = logit <= 0 ? logit * penalty : logit / penalty;
    double less = (double) count * parameters.frequencyPenalty() + parameters.presencePenalty();
    return (float) Math.clamp(scaled - less, -Float.MAX_VALUE, Float.MAX_VALUE);
  }
}
