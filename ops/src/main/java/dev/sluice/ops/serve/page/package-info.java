/** The page at the server's root: its files, as they lie in the program's jar. */
@NullMarked
package dev.sluice.ops.serve.page;

import org.jspecify.annotations.NullMarked;
