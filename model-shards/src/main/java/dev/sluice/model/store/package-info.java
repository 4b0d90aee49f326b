/**
 * Model files known by their content: what a file's bytes are called ({@link
 * dev.sluice.model.store.ContentId}), how each piece of it is checked ({@link
 * dev.sluice.model.store.Manifest}), and a folder that keeps models, or some layers of them, by
 * these names.
 */
@NullMarked
package dev.sluice.model.store;

import org.jspecify.annotations.NullMarked;
