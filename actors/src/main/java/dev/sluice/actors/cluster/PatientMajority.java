package dev.sluice.actors.cluster;

import akka.cluster.Member;
import akka.cluster.UniqueAddress;
import akka.cluster.sbr.DowningStrategy;
import scala.Option;
import scala.collection.immutable.Set;
import scala.collection.immutable.SortedSet;

/**
 * Who is removed when members cannot reach each other: the part with more of the nodes that host
 * layers removes the rest; of two halves the one with the lowest address does. The other part
 * removes nobody and waits: if the missing nodes were dead, and come back, it is the majority then.
 * So nobody ends only because others have: the last node of a cluster, and the gateways at it, are
 * still there when a second one is started.
 *
 * <p>A host that can reach nobody at all, and a gateway that can reach no host, end their
 * membership and look for the others anew; no one needs them where they are. Streams go on over
 * that.
 *
 * <p>Meanwhile both parts may serve with the layers that they have. Tokens are a function of
 * request and model, and epochs say who is right when the parts meet, so that does no harm.
 */
final class PatientMajority extends DowningStrategy {
  private final boolean host;
  private boolean lost;

  /**
   * @param host whether this member hosts layers
   */
  PatientMajority(String dataCenter, UniqueAddress self, boolean host) {
    super(dataCenter, self);
    this.host = host;
  }

  @Override
  public Option<String> role() {
    return Option.apply(Role.SHARD.label());
  }

  @Override
  public Decision decide() {
    // Akka would remove all who accuse each other, on a busy machine everybody.
    SortedSet<Member> hosts = membersWithRole();
    int reachable = reachableMembersWithRole().size();
    int missing = hosts.size() - reachable;
    boolean stays =
        reachable > missing
            || (reachable == missing && reachable > 0 && !unreachable(hosts.head()));
    lost = !stays && (host ? reachableMembers().size() == 1 : reachable == 0);
    return stays ? DownUnreachable$.MODULE$ : DownReachable$.MODULE$;
  }

  /**
   * Nobody, where the part that this member is in would have to end, and there are others in it.
   */
  @Override
  public Set<UniqueAddress> nodesToDown(Decision decision) {
    boolean ending = decision.equals(DownReachable$.MODULE$) || decision.equals(DownAll$.MODULE$);
    return ending && !lost
        ? scala.Predef.Set().<UniqueAddress>empty()
        : super.nodesToDown(decision);
  }
}
