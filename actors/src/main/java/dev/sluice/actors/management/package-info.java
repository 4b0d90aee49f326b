/** What a node says of itself over HTTP, and how nodes find each other without being told. */
@NullMarked
package dev.sluice.actors.management;

import org.jspecify.annotations.NullMarked;
