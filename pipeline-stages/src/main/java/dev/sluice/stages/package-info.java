/** Tokenizers, chat templates and samplers, and the Akka Streams stages around them. */
@NullMarked
package dev.sluice.stages;

import org.jspecify.annotations.NullMarked;
