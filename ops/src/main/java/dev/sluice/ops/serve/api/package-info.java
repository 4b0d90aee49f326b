/** The endpoints: what requests may say, and what they are answered. */
@NullMarked
package dev.sluice.ops.serve.api;

import org.jspecify.annotations.NullMarked;
