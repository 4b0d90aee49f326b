/** What requests did, as traces for OpenTelemetry. */
@NullMarked
package dev.sluice.ops.serve.trace;

import org.jspecify.annotations.NullMarked;
