/** {@code sluice certs}: an authority, certificates of nodes, and a secret, as files. */
@NullMarked
package dev.sluice.ops.certs;

import org.jspecify.annotations.NullMarked;
