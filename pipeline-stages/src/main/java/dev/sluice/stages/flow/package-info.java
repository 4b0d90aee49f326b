/**
 * The gateway's stream: text to tokens, the injected generator, tokens to text. One stream per
 * request.
 */
@NullMarked
package dev.sluice.stages.flow;

import org.jspecify.annotations.NullMarked;
