/**
 * Deterministic numeric kernels on off-heap memory, and the pool of threads that runs them.
 *
 * <p><b>Memory.</b> Every vector is a run of little-endian {@code float}s in a native {@link
 * java.lang.foreign.MemorySegment} (any arena, any alignment), named by the segment and an offset
 * counted in floats. Bounds are checked once per call; inside, the kernels work on plain addresses,
 * so that the compiler sees neither bounds nor liveness checks. In return the caller keeps the
 * arenas open until the call has returned. Heap segments are refused.
 *
 * <p><b>Order of sums.</b> A sum over {@code k} is held in 16 virtual lanes: lane {@code j} takes
 * {@code k = j, j + 16, …} in rising order by fused multiply-add, starting from zero; then lanes
 * {@code j} and {@code j + 8} are added, then {@code + 4}, {@code + 2} and {@code + 1}. Elements
 * past the end are left out, not added as zeros. A quantized weight takes part as the {@code float}
 * that it stands for; where it is packed, {@link PackedMatrix} says how. So each output depends on
 * the shape and the values alone: the same bits for 128-, 256- and 512-bit vectors, any number of
 * rows in a batch and any number of threads.
 *
 * <p><b>Threads.</b> The functions are stateless and may be called from any number of threads; each
 * thread has its own scratch memory, which grows to what is needed and then stays. Nothing is
 * allocated per call after that.
 */
@NullMarked
package dev.sluice.model.kernel;

import org.jspecify.annotations.NullMarked;
