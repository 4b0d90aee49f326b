package dev.sluice.actors;

import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeResources;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.transport.Transport;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a node's process lends to its actors. All of it outlives them.
 *
 * @param self who it is
 * @param resources what it has to give, at the moment
 * @param transport of the process
 * @param links where they go
 * @param loader of shards
 * @param activationLog how much each stage keeps of what it gave to the next
 * @param monitors of the stages here
 * @param scheduling where the scheduler, when it is here, leaves snapshots
 * @param failure where the last reason why a stage could not be loaded is left
 * @param log takes one line for whoever runs the node, at each change of its part
 * @param drain begins to leave the cluster
 */
public record NodeEnvironment(
    NodeId self,
    Supplier<NodeResources> resources,
    Transport transport,
    LinkPlan links,
    ShardLoader loader,
    LogLimits activationLog,
    NodeMonitors monitors,
    AtomicReference<PipelineStats.Scheduling> scheduling,
    AtomicReference<@Nullable Throwable> failure,
    Consumer<String> log,
    Runnable drain) {}
