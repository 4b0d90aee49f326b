package dev.sluice.actors.cluster;

import akka.actor.Address;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Where nodes that host layers have been seen, over all memberships of this process: who was
 * removed from a cluster finds it again by these. For any thread.
 */
final class KnownHosts {
  /** More than that are not needed to find a cluster. */
  private static final int MAX = 64;

  private final LinkedHashSet<Address> hosts = new LinkedHashSet<>();

  /** One has been seen. */
  synchronized void seen(Address host) {
    hosts.remove(host);
    hosts.addLast(host);
    if (hosts.size() > MAX) {
      hosts.removeFirst();
    }
  }

  /** All but {@code self}, the last one that was seen first. */
  synchronized List<Address> others(Address self) {
    List<Address> others = new ArrayList<>(hosts.reversed());
    others.remove(self);
    return others;
  }
}
