/**
 * What the server needs of HTTP: connections, routes, JSON that is checked field by field, errors
 * in one shape, server-sent events. Knows nothing of models.
 */
@NullMarked
package dev.sluice.ops.serve.http;

import org.jspecify.annotations.NullMarked;
