package dev.sluice.ops.serve.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Caller;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class AdmissionTest {
  private final AtomicLong clock = new AtomicLong();
  private final Admission admission = new Admission(2, 3, clock::get);

  private Admission.Ticket enter(int weight, int priority) {
    return admission.enter(Caller.ANYONE, weight, priority);
  }

  @Test
  void shouldLetInByPriorityThenInOrder() {
    Admission.Ticket first = enter(2, 0);
    assertThat(first.granted()).isCompleted();
    List<String> order = new ArrayList<>();
    enter(2, 0).granted().thenAccept(t -> ended(order, "usual", t));
    enter(2, 5).granted().thenAccept(t -> ended(order, "urgent", t));
    enter(1, 0).granted().thenAccept(t -> ended(order, "small", t));
    assertThat(admission.waiting()).isEqualTo(3);
    first.leave();
    assertThat(order).containsExactly("urgent", "usual", "small");
    assertThat(admission.running()).isZero();
  }

  private static void ended(List<String> order, String name, Admission.Ticket ticket) {
    order.add(name);
    ticket.leave();
  }

  @Test
  void shouldRefuseMoreThanMayWaitAndSayWhenToComeBack() {
    Admission.Ticket running = enter(2, 0);
    for (int i = 0; i < 3; i++) {
      enter(1, 0);
    }
    assertThatThrownBy(() -> enter(1, 100))
        .isInstanceOfSatisfying(
            ApiException.class,
            e -> {
              assertThat(e.status()).isEqualTo(429);
              assertThat(e.retryAfter()).get().isEqualTo(Duration.ofSeconds(4));
            });
    running.leave();
    running.leave();
    assertThat(admission.running()).isEqualTo(2);
    assertThat(admission.waiting()).isEqualTo(1);
  }

  @Test
  void shouldFillAKeysTokensAgainWithTime() {
    Caller caller = new Caller("a", Set.of(), 10, 600, 0);
    Admission.Ticket ticket = admission.enter(caller, 1, 0);
    ticket.charge(700);
    ticket.leave();
    assertThatThrownBy(() -> admission.enter(caller, 1, 0))
        .isInstanceOfSatisfying(
            ApiException.class,
            e -> {
              assertThat(e.code()).isEqualTo("token_rate_limit");
              assertThat(e.retryAfter().orElseThrow())
                  .isBetween(Duration.ofSeconds(10), Duration.ofSeconds(11));
            });
    clock.addAndGet(Duration.ofSeconds(11).toNanos());
    assertThat(admission.enter(caller, 1, 0).granted()).isCompleted();
  }

  @Test
  void shouldRefuseWhatNeverFitsAndWhatComesTooLate() {
    assertThatThrownBy(() -> enter(3, 0))
        .isInstanceOfSatisfying(ApiException.class, e -> assertThat(e.param()).isEqualTo("n"));
    admission.close();
    assertThatThrownBy(() -> enter(1, 0))
        .isInstanceOfSatisfying(ApiException.class, e -> assertThat(e.status()).isEqualTo(503));
  }
}
