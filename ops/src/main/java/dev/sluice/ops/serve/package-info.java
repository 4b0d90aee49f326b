/** {@code sluice serve}: the pipeline behind HTTP, as OpenAI's interface has it. */
@NullMarked
package dev.sluice.ops.serve;

import org.jspecify.annotations.NullMarked;
