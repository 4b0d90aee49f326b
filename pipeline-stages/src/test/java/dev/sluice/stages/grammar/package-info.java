@NullMarked
package dev.sluice.stages.grammar;

import org.jspecify.annotations.NullMarked;
