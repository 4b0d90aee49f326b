/**
 * How messages between nodes are written: CBOR by Jackson, record components by name. Here is what
 * Jackson has to be told of types that are no records.
 */
@NullMarked
package dev.sluice.actors.wire;

import org.jspecify.annotations.NullMarked;
