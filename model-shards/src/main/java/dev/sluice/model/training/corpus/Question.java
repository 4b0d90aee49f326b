package dev.sluice.model.training.corpus;

/**
 * A question about a story.
 *
 * @param kind what it asks for
 * @param text the question
 * @param answer the answer, in the words of the story
 * @param evidence the sentence of the story that says so
 */
public record Question(Questions.Kind kind, String text, String answer, String evidence) {
  /** The answer with what led to it, ending in {@code So the answer is: …}. */
  public String worked() {
    return "The story says: " + evidence + " " + Questions.CONCLUSION + answer + ".";
  }
}
