/**
 * What a node measures of itself and of its links before it takes part: the speed of the kernels
 * ({@link dev.sluice.actors.probe.KernelSpeed}) and round trips ({@link
 * dev.sluice.actors.probe.LinkProbe}). The placement is decided by these figures.
 */
@NullMarked
package dev.sluice.actors.probe;

import org.jspecify.annotations.NullMarked;
