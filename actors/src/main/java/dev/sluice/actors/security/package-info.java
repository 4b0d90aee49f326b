/** Who may join, and what protects what travels between machines. */
@NullMarked
package dev.sluice.actors.security;

import org.jspecify.annotations.NullMarked;
