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
 * removes nobody and waits. When it hears from the majority again its members learn that they were
 * removed, and join anew. If instead the missing nodes were dead, and come back, it is the majority
 * then. So nobody ends only because others have: the last node of a cluster, and the gateways at
 * it, are still there when a second one is started.
 *
 * <p>Meanwhile both parts may serve with the layers that they have. Tokens are a function of
 * request and model, and epochs say who is right when the parts meet, so that does no harm.
 */
final class PatientMajority extends DowningStrategy {
  PatientMajority(String dataCenter, UniqueAddress self) {
    super(dataCenter, self);
  }

  @Override
  public Option<String> role() {
    return Option.apply(Role.SHARD.label());
  }

  @Override
  public Decision decide() {
    if (hasIndirectlyConnected()) {
      return DownIndirectlyConnected$.MODULE$;
    }
    SortedSet<Member> hosts = membersWithRole();
    int reachable = reachableMembersWithRole().size();
    int lost = hosts.size() - reachable;
    boolean stays =
        reachable > lost || (reachable == lost && reachable > 0 && !unreachable(hosts.head()));
    return stays ? DownUnreachable$.MODULE$ : DownReachable$.MODULE$;
  }

  /** Nobody, where the part that this member is in would have to end. */
  @Override
  public Set<UniqueAddress> nodesToDown(Decision decision) {
    return decision.equals(DownReachable$.MODULE$) || decision.equals(DownAll$.MODULE$)
        ? scala.Predef.Set().<UniqueAddress>empty()
        : super.nodesToDown(decision);
  }
}
