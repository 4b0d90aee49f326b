package dev.sluice.actors.cluster;

import java.util.List;

/**
 * A process of the cluster, as another one sees it.
 *
 * @param address host and port
 * @param roles what it does, ascending
 * @param status its membership, as Akka calls it: {@code joining}, {@code up}, {@code leaving} …
 * @param reachable whether it answers
 * @param coordinates whether it is the one that coordinates
 */
public record MemberView(
    String address, List<String> roles, String status, boolean reachable, boolean coordinates) {
  public MemberView {
    roles = List.copyOf(roles);
  }
}
