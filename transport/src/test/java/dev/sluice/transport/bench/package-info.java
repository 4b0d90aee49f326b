/** How fast links are. Run by hand, never by the build: see LinkBenchmark. */
@NullMarked
package dev.sluice.transport.bench;

import org.jspecify.annotations.NullMarked;
