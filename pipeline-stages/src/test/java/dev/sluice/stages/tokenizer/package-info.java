@NullMarked
package dev.sluice.stages.tokenizer;

import org.jspecify.annotations.NullMarked;
