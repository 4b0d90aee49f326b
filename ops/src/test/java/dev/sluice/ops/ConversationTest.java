package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stages.chat.ChatMessage;
import org.junit.jupiter.api.Test;

class ConversationTest {
  private static final ChatMessage Q1 = new ChatMessage("user", "one?");
  private static final ChatMessage A1 = new ChatMessage("assistant", "one.");
  private static final ChatMessage Q2 = new ChatMessage("user", "two?");
  private final Conversation conversation = new Conversation("be brief");

  @Test
  void shouldForgetTheOldestTurnButNeverTheQuestionAtHand() {
    conversation.add(Q1);
    conversation.add(A1);
    conversation.add(Q2);
    assertThat(conversation.dropOldestTurn()).isTrue();
    assertThat(conversation.messages()).containsExactly(new ChatMessage("system", "be brief"), Q2);
    assertThat(conversation.dropOldestTurn()).isFalse();
  }

  @Test
  void shouldKeepTheSystemMessageWhenCleared() {
    conversation.add(Q1);
    conversation.clear();
    assertThat(conversation.messages()).containsExactly(new ChatMessage("system", "be brief"));
  }

  @Test
  void shouldDropOnlyAnAnswerForARetry() {
    conversation.add(Q1);
    assertThat(conversation.dropAnswer()).isFalse();
    conversation.add(A1);
    assertThat(conversation.dropAnswer()).isTrue();
    assertThat(conversation.messages()).endsWith(Q1);
  }
}
