package dev.sluice.actors.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.Address;
import org.junit.jupiter.api.Test;

class KnownHostsTest {
  private final KnownHosts hosts = new KnownHosts();

  private static Address host(int i) {
    return new Address("akka", "sluice", "10.0.0." + i, 25520);
  }

  @Test
  void shouldNameTheLastOneFirstAndNeverOneself() {
    hosts.seen(host(1));
    hosts.seen(host(2));
    hosts.seen(host(3));
    hosts.seen(host(1));
    assertThat(hosts.others(host(3))).containsExactly(host(1), host(2));
  }

  @Test
  void shouldForgetTheOldest() {
    for (int i = 0; i < 100; i++) {
      hosts.seen(host(i));
    }
    assertThat(hosts.others(host(99))).hasSize(63).startsWith(host(98)).endsWith(host(36));
  }
}
