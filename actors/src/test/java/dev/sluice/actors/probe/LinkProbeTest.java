package dev.sluice.actors.probe;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class LinkProbeTest {
  private static final Duration INTERVAL = Duration.ofSeconds(5);

  private final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  private final AtomicLong clock = new AtomicLong();

  @AfterEach
  void shutDown() {
    kit.shutdownTestKit();
  }

  @Test
  void shouldTellTheRoundTripsToAllOthers() {
    TestProbe<LinkProbe.Measured> heard = kit.createTestProbe();
    spawn("a", heard.ref());
    spawn("b", kit.<LinkProbe.Measured>createTestProbe().ref());
    spawn("c", kit.<LinkProbe.Measured>createTestProbe().ref());

    LinkProbe.Measured measured = heard.receiveMessage();
    while (measured.nanos().size() < 2) {
      measured = heard.receiveMessage();
    }
    assertThat(measured.nanos()).containsOnlyKeys("b", "c");
    assertThat(measured.nanos().values()).allMatch(nanos -> nanos > 0);
  }

  @Test
  void shouldForgetANodeThatIsGone() {
    TestProbe<LinkProbe.Measured> heard = kit.createTestProbe();
    spawn("a", heard.ref());
    ActorRef<LinkProbe.Command> other = spawn("b", kit.<LinkProbe.Measured>createTestProbe().ref());
    assertThat(heard.receiveMessage().nanos()).containsOnlyKeys("b");

    kit.stop(other);

    assertThat(heard.receiveMessage().nanos()).isEmpty();
  }

  @Test
  void shouldTakeTheShortestOfTheLastRoundTrips() {
    RoundTrips trips = new RoundTrips();
    trips.add("b", 900);
    trips.add("b", 300);
    trips.add("b", 5000);
    assertThat(trips.nanos()).isEqualTo(Map.of("b", 300L));

    // A little less is no news; what is long ago no longer counts.
    trips.add("b", 290);
    assertThat(trips.nanos()).isEqualTo(Map.of("b", 300L));
    for (int i = 0; i < RoundTrips.SAMPLES; i++) {
      trips.add("b", 800 + i);
    }
    assertThat(trips.nanos()).isEqualTo(Map.of("b", 800L));

    trips.retain(Set.of("c"));
    assertThat(trips.nanos()).isEmpty();
  }

  /** Every look at the clock finds it a microsecond on. */
  private ActorRef<LinkProbe.Command> spawn(String name, ActorRef<LinkProbe.Measured> listener) {
    return kit.spawn(LinkProbe.create(name, INTERVAL, listener, () -> clock.addAndGet(1000)), name);
  }
}
