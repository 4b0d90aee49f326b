/** How the server and its pipeline do at this moment, as a stream of events for people to watch. */
@NullMarked
package dev.sluice.ops.serve.live;

import org.jspecify.annotations.NullMarked;
