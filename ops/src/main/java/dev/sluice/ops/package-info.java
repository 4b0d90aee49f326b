/** What people touch: the command line, benchmarks, system tests. */
@NullMarked
package dev.sluice.ops;

import org.jspecify.annotations.NullMarked;
