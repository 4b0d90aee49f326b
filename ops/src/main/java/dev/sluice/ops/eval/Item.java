package dev.sluice.ops.eval;

import dev.sluice.model.training.corpus.Exchange;
import java.util.List;

/**
 * One thing that a model is asked.
 *
 * @param shots examples that come first
 * @param asked the question and the right answer
 * @param opening where the answer is a text to go on with: how it begins, for a model that does not
 *     chat; else empty
 * @param judge what tells whether an answer is right
 */
record Item(List<Exchange> shots, Exchange asked, String opening, Judge judge) {
  Item {
    shots = List.copyOf(shots);
  }

  /** Tells right answers from wrong ones. */
  interface Judge {
    /** Whether an answer is right. */
    boolean right(String answer);

    /** What an answer comes to, for counting votes; empty where it comes to nothing. */
    String vote(String answer);

    /** What is wrong with an answer, or what had been right. */
    String correction(String answer);
  }
}
