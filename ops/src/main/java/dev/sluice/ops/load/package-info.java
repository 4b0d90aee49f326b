/** Load on a server from outside: many clients at a time, and what became of their requests. */
@NullMarked
package dev.sluice.ops.load;

import org.jspecify.annotations.NullMarked;
