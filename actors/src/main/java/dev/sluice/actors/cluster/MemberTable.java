package dev.sluice.actors.cluster;

import akka.cluster.ClusterEvent;
import akka.cluster.Member;
import akka.cluster.MemberStatus;
import akka.cluster.UniqueAddress;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.coordination.NodeId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Who is a member, who answers, and who coordinates: of the members with that role that are up and
 * answer, the oldest. So another one takes over as soon as the coordinator is noticed to be lost,
 * and not only when it has been removed; the pipeline's epochs see to it that two who both take
 * themselves for the coordinator do no harm. For one thread.
 */
final class MemberTable {
  private final UniqueAddress self;
  private final Map<UniqueAddress, Member> members = new HashMap<>();
  private final Set<UniqueAddress> unreachable = new HashSet<>();

  MemberTable(UniqueAddress self) {
    this.self = self;
  }

  /** Takes a change of the membership; what it means for who hosts layers. */
  List<CoordinatorActor.Command> onMember(ClusterEvent.MemberEvent event) {
    Member member = event.member();
    UniqueAddress address = member.uniqueAddress();
    boolean gone =
        member.status().equals(MemberStatus.removed())
            || member.status().equals(MemberStatus.down());
    if (gone) {
      members.remove(address);
      unreachable.remove(address);
    } else {
      members.put(address, member);
    }
    if (!member.hasRole(Role.SHARD.label())) {
      return List.of();
    }
    NodeId id = id(address);
    return List.of(gone ? new CoordinatorActor.Gone(id) : new CoordinatorActor.Joined(id));
  }

  /** Takes a change of who answers. */
  List<CoordinatorActor.Command> onReachability(ClusterEvent.ReachabilityEvent event) {
    Member member = event.member();
    UniqueAddress address = member.uniqueAddress();
    boolean lost = event instanceof ClusterEvent.UnreachableMember;
    if (lost) {
      unreachable.add(address);
    } else {
      unreachable.remove(address);
    }
    if (!member.hasRole(Role.SHARD.label())) {
      return List.of();
    }
    NodeId id = id(address);
    return List.of(
        lost ? new CoordinatorActor.Unreachable(id) : new CoordinatorActor.Reachable(id));
  }

  /** All of it, for a coordinator that begins. */
  List<CoordinatorActor.Command> snapshot() {
    List<CoordinatorActor.Command> all = new ArrayList<>();
    for (Member member : members.values()) {
      if (member.hasRole(Role.SHARD.label())) {
        NodeId id = id(member.uniqueAddress());
        all.add(new CoordinatorActor.Joined(id));
        if (unreachable.contains(member.uniqueAddress())) {
          all.add(new CoordinatorActor.Unreachable(id));
        }
      }
    }
    return all;
  }

  /** Who coordinates; empty where nobody can. */
  Optional<UniqueAddress> coordinator() {
    return coordinator(
        members.values(), m -> m.uniqueAddress().equals(self) || answers(m, unreachable));
  }

  private static Optional<UniqueAddress> coordinator(
      Collection<Member> members, Predicate<Member> answering) {
    return members.stream()
        .filter(m -> m.hasRole(Role.COORDINATOR.label()))
        .filter(m -> m.status().equals(MemberStatus.up()))
        .filter(answering)
        .reduce((a, b) -> b.isOlderThan(a) ? b : a)
        .map(Member::uniqueAddress);
  }

  private static boolean answers(Member member, Set<UniqueAddress> unreachable) {
    return !unreachable.contains(member.uniqueAddress());
  }

  /** All members but one, ascending by address. */
  static List<MemberView> view(ClusterEvent.CurrentClusterState state, UniqueAddress but) {
    List<Member> members = new ArrayList<>();
    state.getMembers().forEach(members::add);
    Set<UniqueAddress> unreachable = new HashSet<>();
    state.getUnreachable().forEach(m -> unreachable.add(m.uniqueAddress()));
    Optional<UniqueAddress> coordinator = coordinator(members, m -> answers(m, unreachable));
    return members.stream()
        .filter(m -> !m.uniqueAddress().equals(but))
        .map(
            m ->
                new MemberView(
                    id(m.uniqueAddress()).name(),
                    m.getRoles().stream().filter(Role.LABELS::contains).sorted().toList(),
                    m.status().toString().toLowerCase(Locale.ROOT),
                    answers(m, unreachable),
                    coordinator.equals(Optional.of(m.uniqueAddress()))))
        .sorted(Comparator.comparing(MemberView::address))
        .toList();
  }

  /** Members that do not answer. */
  Set<UniqueAddress> unreachable() {
    return Set.copyOf(unreachable);
  }

  static NodeId id(UniqueAddress address) {
    return new NodeId(
        address.address().getHost().orElse("?") + ":" + address.address().getPort().orElse(0),
        address.longUid());
  }
}
