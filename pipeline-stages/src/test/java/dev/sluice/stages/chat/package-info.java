@NullMarked
package dev.sluice.stages.chat;

import org.jspecify.annotations.NullMarked;
