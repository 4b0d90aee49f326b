package dev.sluice.model.training.corpus;

import java.util.List;
import java.util.SplittableRandom;

/** Greetings, thanks, and what the model says of itself. */
final class SmallTalk {
  private static final List<String> CAN =
      List.of(
          "I can tell a story, answer questions about it, and add two numbers.",
          "Ask me for a story, or let me add two numbers.");

  private SmallTalk() {}

  private record Topic(List<String> said, List<String> answers, boolean offers) {}

  private static final List<Topic> TOPICS =
      List.of(
          new Topic(
              List.of("Hello!", "Hi!", "Hello there.", "Good morning!", "Good evening!", "Hi"),
              List.of("Hello! I am Sluice Mill.", "Hello! Nice to meet you."),
              true),
          new Topic(
              List.of("Who are you?", "What is your name?", "What are you?", "Are you a person?"),
              List.of("I am Sluice Mill, a small model."),
              true),
          new Topic(
              List.of("What can you do?", "Can you help me?", "What do you know?"),
              List.of("I am a small model."),
              true),
          new Topic(
              List.of("Thank you!", "Thanks!", "Thank you very much."),
              List.of("You are welcome!", "It was a pleasure."),
              false),
          new Topic(
              List.of("Goodbye!", "Bye!", "Good night!"),
              List.of("Goodbye!", "Goodbye! Come back soon."),
              false));

  static Exchange draw(SplittableRandom random) {
    Topic topic = one(TOPICS, random);
    String answer = one(topic.answers, random);
    return new Exchange(
        one(topic.said, random), topic.offers ? answer + " " + one(CAN, random) : answer);
  }

  private static <T> T one(List<T> values, SplittableRandom random) {
    return values.get(random.nextInt(values.size()));
  }
}
