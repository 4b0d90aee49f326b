@NullMarked
package dev.sluice.actors.kept;

import org.jspecify.annotations.NullMarked;
