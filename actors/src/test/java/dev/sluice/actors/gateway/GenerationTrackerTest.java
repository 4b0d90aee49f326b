package dev.sluice.actors.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.actors.scheduling.Resume;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import dev.sluice.stages.sampling.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** One generation at its gateway; heads are named by letters, submissions numbered. */
final class GenerationTrackerTest {
  private static final TokenRequest REQUEST =
      new TokenRequest(new int[] {1, 2}, SamplingParameters.GREEDY, 50, new int[0], false)
          .tellingRecoveries();

  private final List<String> said = new ArrayList<>();
  private final List<TokenEvent> events = new ArrayList<>();
  private @Nullable GenerationException failure;
  private long now;
  private long ids;
  private final GenerationTracker<String> tracker =
      new GenerationTracker<>(
          REQUEST,
          4,
          Duration.ofSeconds(30),
          // What names the generation stays that of the first.
          () -> new GenerationId(6 + ++ids, ids),
          () -> now,
          new GenerationTracker.Output<>() {
            @Override
            public void submit(
                String head, GenerationId id, TokenRequest request, Resume resume, int granted) {
              said.add(
                  "%s: submit %d after %d, room for %d"
                      .formatted(head, id.low(), resume.generated().length, granted));
            }

            @Override
            public void demand(String head, GenerationId id, int granted, int received) {
              said.add(
                  "%s: demand %d, room for %d, got %d"
                      .formatted(head, id.low(), granted, received));
            }

            @Override
            public void cancel(String head, GenerationId id) {
              said.add("%s: cancel %d".formatted(head, id.low()));
            }

            @Override
            public void emit(TokenEvent event) {
              events.add(event);
            }

            @Override
            public void fail(GenerationException reason) {
              failure = reason;
            }
          });

  private static GenerationId id(long number) {
    return new GenerationId(7, number);
  }

  private static TokenEvent token(int position) {
    return new TokenEvent.Token(position * 3, position, 0, 0, List.of());
  }

  private static TokenEvent finished() {
    return new TokenEvent.Finished(
        FinishReason.LENGTH, new Usage(2, 3, 0), new Timings(1_000, 1_000, 1_000));
  }

  private void ticks(int count) {
    for (int i = 0; i < count; i++) {
      now += GenerationTracker.RETRY.toNanos();
      tracker.tick();
    }
  }

  private List<String> said() {
    List<String> all = List.copyOf(said);
    said.clear();
    return all;
  }

  @Test
  void shouldGrantWhatItsConsumerHasRoomForInHalvesOfTheWindow() {
    tracker.headAt("A");
    assertThat(said()).containsExactly("A: submit 1 after 0, room for 4");
    for (int i = 0; i < 4; i++) {
      tracker.onEvent(id(1), i, token(2 + i));
    }
    tracker.taken();
    assertThat(said()).isEmpty();
    tracker.taken();
    assertThat(said()).containsExactly("A: demand 1, room for 6, got 4");
    assertThat(events).hasSize(4);
  }

  @Test
  void shouldSubmitWhatItHasToAnotherHeadAndTellOfIt() {
    tracker.headAt("A");
    tracker.onEvent(id(1), 0, token(2));
    tracker.taken();
    said();
    now += 1_000_000_000L;
    tracker.headAt("B");
    assertThat(said()).containsExactly("A: cancel 1", "B: submit 2 after 1, room for 4");
    now += 2_000_000_000L;
    tracker.onEvent(id(1), 1, token(3));
    assertThat(events).as("the old head does not count").hasSize(1);
    tracker.onEvent(id(2), 0, token(3));
    tracker.onEvent(id(2), 0, token(3));
    assertThat(events)
        .containsExactly(token(2), new TokenEvent.Recovered(1, Duration.ofSeconds(2)), token(3));
    tracker.onEvent(id(2), 1, finished());
    TokenEvent.Finished end = (TokenEvent.Finished) events.getLast();
    assertThat(end.timings())
        .as("as the gateway saw it")
        .isEqualTo(new Timings(0, 0, 3_000_000_000L));
  }

  @Test
  void shouldSubmitAnewWhereAnEventStaysAway() {
    tracker.headAt("A");
    tracker.onEvent(id(1), 0, token(2));
    tracker.onEvent(id(1), 2, token(4));
    said();
    ticks(1);
    assertThat(said()).containsExactly("A: cancel 1", "A: submit 2 after 1, room for 3");
    assertThat(events).containsExactly(token(2));
  }

  @Test
  void shouldNoticeByAskingThatTheLastEventsAreLost() {
    tracker.headAt("A");
    tracker.onEvent(id(1), 0, token(2));
    said();
    ticks(2);
    assertThat(said()).containsExactly("A: demand 1, room for 4, got 1");
    tracker.onDelivered(id(1), 3);
    ticks(1);
    assertThat(said()).containsExactly("A: cancel 1", "A: submit 2 after 1, room for 3");
  }

  @Test
  void shouldSubmitAnewToAHeadThatDoesNotKnowIt() {
    tracker.headAt("A");
    said();
    tracker.onUnknown(id(1));
    tracker.onUnknown(id(1));
    assertThat(said()).containsExactly("A: submit 2 after 0, room for 4");
    for (int i = 2; i <= GenerationTracker.MAX_SUBMISSIONS; i++) {
      assertThat(failure).isNull();
      tracker.onUnknown(id(i));
    }
    assertThat(failure).hasMessageContaining("submitted 10 times in a row");
  }

  @Test
  void shouldGoOnWithAHeadThatWasOnlyOutOfSight() {
    tracker.headAt("A");
    tracker.onEvent(id(1), 0, token(2));
    said();
    tracker.headMissing("a new coordinator listens");
    tracker.unavailable("two layers find no room", Duration.ofSeconds(5));
    tracker.headAt("A");
    assertThat(said()).containsExactly("A: demand 1, room for 4, got 1");
    tracker.onEvent(id(1), 1, token(3));
    assertThat(events).containsExactly(token(2), token(3));
  }

  @Test
  void shouldRefuseAtOnceWhatHasNotBegunAndWaitWithWhatHas() {
    tracker.unavailable("two layers find no room", Duration.ofSeconds(5));
    assertThat(failure).hasMessage("two layers find no room");
    assertThat(Objects.requireNonNull(failure).retryAfter()).contains(Duration.ofSeconds(5));

    GenerationTrackerTest other = new GenerationTrackerTest();
    other.tracker.headAt("A");
    other.tracker.unavailable("two layers find no room", Duration.ofSeconds(5));
    assertThat(other.failure).isNull();
    other.ticks(60);
    assertThat(other.failure)
        .hasMessage("the pipeline has not been there for 30 s: two layers find no room");
    assertThat(other.said()).contains("A: cancel 1");
  }

  @Test
  void shouldNotWaitForEverForASilentHead() {
    tracker.headAt("A");
    ticks(59);
    assertThat(failure).isNull();
    tracker.onDelivered(id(1), 0);
    ticks(59);
    assertThat(failure).isNull();
    ticks(1);
    assertThat(failure).hasMessageContaining("has not answered for 30 s");
  }

  @Test
  void shouldSayNowAndThenThatItIsThereWhileItsConsumerDoesNotRead() {
    tracker.headAt("A");
    for (int i = 0; i < 4; i++) {
      tracker.onEvent(id(1), i, token(2 + i));
    }
    said();
    ticks(11);
    assertThat(said()).containsExactly("A: demand 1, room for 4, got 4");
    for (int i = 0; i < 3; i++) {
      tracker.headAt("B" + i);
    }
    assertThat(said()).last().isEqualTo("B2: submit 4 after 4, room for 0");
    tracker.cancel();
    assertThat(said()).containsExactly("B2: cancel 4");
  }
}
