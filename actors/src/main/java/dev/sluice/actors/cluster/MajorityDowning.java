package dev.sluice.actors.cluster;

import akka.actor.ActorSystem;
import akka.actor.Props;
import akka.cluster.Cluster;
import akka.cluster.DowningProvider;
import akka.cluster.sbr.SplitBrainResolver;
import akka.cluster.sbr.SplitBrainResolverSettings;
import scala.Option;
import scala.concurrent.duration.Duration;
import scala.concurrent.duration.FiniteDuration;

/**
 * Akka's split-brain resolver with {@link PatientMajority} as its strategy. Named in
 * sluice-cluster.conf, made by Akka.
 */
final class MajorityDowning extends DowningProvider {
  private final ActorSystem system;

  MajorityDowning(ActorSystem system) {
    this.system = system;
  }

  @Override
  public FiniteDuration downRemovalMargin() {
    return Duration.Zero();
  }

  @Override
  public Option<Props> downingActorProps() {
    Cluster cluster = Cluster.get(system);
    return Option.apply(
        SplitBrainResolver.props(
            new SplitBrainResolverSettings(system.settings().config()).DowningStableAfter(),
            new PatientMajority(
                cluster.selfDataCenter(),
                cluster.selfUniqueAddress(),
                cluster.getSelfRoles().contains(Role.SHARD.label()))));
  }
}
