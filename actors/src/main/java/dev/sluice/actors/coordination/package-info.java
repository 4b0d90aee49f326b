/**
 * Who does what in a cluster, as plain state machines: {@link
 * dev.sluice.actors.coordination.Coordination} on one node decides, {@link
 * dev.sluice.actors.coordination.NodeDuties} on every node does and reports.
 *
 * <p>Both ways the whole state is told, not the change: a {@link
 * dev.sluice.actors.coordination.NodeOrder} says all that a node is to do in an epoch, a {@link
 * dev.sluice.actors.coordination.NodeReport} all that it does. Either may be lost, repeated or late
 * without harm, and a coordinator that starts anew learns from the reports what runs already.
 */
@NullMarked
package dev.sluice.actors.coordination;

import org.jspecify.annotations.NullMarked;
