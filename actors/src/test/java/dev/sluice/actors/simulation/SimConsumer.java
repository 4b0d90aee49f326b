package dev.sluice.actors.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.gateway.GenerationTracker;
import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Who asked for a generation: reads fast, slowly or not for a while, and may go. */
final class SimConsumer<H> {
  final TokenRequest request;
  final int window;
  final List<TokenEvent> events = new ArrayList<>();
  @Nullable GenerationException failure;
  boolean gone;
  private final GenerationTracker<H> tracker;
  private int taken;
  private boolean reads = true;

  /** Makes the side of a tracker that sends. */
  interface Gateway<H> {
    GenerationTracker.Output<H> output(SimConsumer<H> consumer);
  }

  SimConsumer(Simulation simulation, TokenRequest request, Duration patience, Gateway<H> gateway) {
    Random random = simulation.random;
    this.request = request;
    this.window = (request.scorePrompt() ? 3 : 2) + random.nextInt(12);
    tracker =
        new GenerationTracker<>(
            request,
            window,
            patience,
            () -> new GenerationId(random.nextLong(), random.nextLong()),
            simulation::now,
            gateway.output(this));
  }

  /** A request of any kind. */
  static TokenRequest draw(Random random, int vocabulary, int longest) {
    int[] prompt = random.ints(1 + random.nextInt(longest), 0, vocabulary).toArray();
    // Some begin alike.
    int alike = random.nextBoolean() ? random.nextInt(prompt.length + 1) : 0;
    for (int i = 0; i < alike; i++) {
      prompt[i] = i % vocabulary;
    }
    boolean score = random.nextInt(4) == 0;
    int maxTokens = random.nextInt(longest) + (score ? 0 : 1);
    int[] stops = random.nextInt(3) == 0 ? new int[] {0} : new int[0];
    SamplingParameters sampling = SamplingParameters.builder().seed(random.nextInt(1000)).build();
    TokenRequest request = new TokenRequest(prompt, sampling, maxTokens, stops, score);
    return random.nextBoolean() ? request.tellingRecoveries() : request;
  }

  GenerationTracker<H> tracker() {
    return tracker;
  }

  boolean ended() {
    return gone
        || failure != null
        || (!events.isEmpty() && events.getLast() instanceof TokenEvent.Finished);
  }

  void emit(TokenEvent event) {
    assertThat(ended()).as("nothing after the end").isFalse();
    events.add(event);
    // The last one needs no room, nor do those that tell of recoveries.
    long unread =
        events.subList(taken, events.size()).stream()
            .filter(e -> !(e instanceof TokenEvent.Finished || e instanceof TokenEvent.Recovered))
            .count();
    assertThat(unread).as("unread events").isLessThanOrEqualTo(window);
  }

  void fail(GenerationException reason) {
    assertThat(ended()).as("nothing after the end").isFalse();
    failure = reason;
  }

  /** Takes some of what is there, now or later; sometimes it stops reading for a while. */
  void read(Random random) {
    if (random.nextInt(40) == 0) {
      reads = !reads;
    }
    int there = events.size() - taken;
    for (int i = reads && there > 0 ? 1 + random.nextInt(there) : 0; i > 0; i--) {
      taken++;
      tracker.taken();
    }
  }

  void leave() {
    if (!ended()) {
      gone = true;
      tracker.cancel();
    }
  }

  /** What came is what a run without faults gives, or its beginning. */
  void check(int vocabulary) {
    List<Integer> log = new ArrayList<>();
    for (int token : request.prompt()) {
      log.add(token);
    }
    int scored = 0;
    boolean finished = false;
    for (TokenEvent event : events) {
      switch (event) {
        case TokenEvent.Scored score -> {
          assertThat(score.position()).isEqualTo(scored++);
          assertThat(log).as("scores come first").hasSize(request.promptLength());
        }
        case TokenEvent.Token token -> {
          assertThat(token.position()).isEqualTo(log.size());
          assertThat(token.id()).isEqualTo(SimStage.token(request, log, vocabulary));
          log.add(token.id());
        }
        case TokenEvent.Reused(int tokens) ->
            assertThat(tokens).isBetween(1, request.promptLength());
        case TokenEvent.Recovered(int tokens, Duration pause) -> {
          assertThat(request.tellRecoveries()).isTrue();
          assertThat(tokens).isEqualTo(log.size() - request.promptLength());
          assertThat(pause.isNegative()).isFalse();
        }
        case TokenEvent.Finished end -> {
          checkEnd(end, log, vocabulary);
          assertThat(scored).isEqualTo(request.scorePrompt() ? request.promptLength() : 0);
          finished = true;
        }
      }
    }
    assertThat(finished || gone || failure != null).as("it has ended").isTrue();
  }

  private void checkEnd(TokenEvent.Finished end, List<Integer> log, int vocabulary) {
    int generated = log.size() - request.promptLength();
    if (end.reason() == FinishReason.STOP) {
      assertThat(request.isStopToken(SimStage.token(request, log, vocabulary))).isTrue();
      assertThat(end.usage().generatedTokens()).isEqualTo(generated + 1);
    } else {
      assertThat(generated).isEqualTo(request.maxTokens());
      assertThat(end.usage().generatedTokens()).isEqualTo(generated);
    }
    assertThat(end.timings().queueNanos()).isNotNegative();
    assertThat(end.timings().promptNanos()).isNotNegative();
    assertThat(end.timings().generationNanos()).isNotNegative();
  }
}
