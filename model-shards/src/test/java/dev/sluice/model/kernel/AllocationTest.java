package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sluice.model.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Once compiled, the kernels of a token allocate nothing. */
class AllocationTest {
  private static final int ROUNDS = 100;
  private static final int TOKENS = 1000;

  @Test
  void shouldAllocateNothingPerToken() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Arena arena = Arena.ofConfined();
        WorkerPool pool = new WorkerPool(1)) {
      Random random = new Random(1);
      int n = 512;
      MemorySegment x = KernelOracle.segment(arena, KernelOracle.gaussians(random, n));
      MemorySegment y = KernelOracle.segment(arena, KernelOracle.gaussians(random, n));
      Matrix q80 = matrix(arena, GgmlType.Q8_0, n, random);
      Matrix q4k = matrix(arena, GgmlType.Q4_K, n, random);
      KvLayout layout = new KvLayout(16, 2, 64, 64, true);
      MemorySegment page = arena.allocate(layout.pageBytes());
      KvPages pages = (_, _, _) -> page;
      Attention attention = new Attention(layout, 8, 0.125f, 0);
      Rope rope = Rope.builder(64, 10_000, 256).build();
      Runnable token =
          () -> {
            q80.multiply(pool, x, 0, n, 1, y, 0, 64);
            q4k.multiply(pool, x, 0, n, 1, y, 0, 64);
            Norms.rmsNorm(x, 0, null, 1e-5f, y, 0, n);
            rope.apply(y, 0, 8, 64, 15);
            layout.store(page, 15, x, 0, y, 0);
            attention.attend(pages, 0, 0, 1, 0, 100, y, 0, x, 0);
            Activations.silu(y, 0, n);
            Activations.geluTanh(y, 0, n);
          };
      // How soon the compiler is done depends on the machine: the first quiet round will do.
      long allocated = Long.MAX_VALUE;
      for (int round = 0; round < ROUNDS && allocated > TOKENS; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < TOKENS; i++) {
          token.run();
        }
        allocated = threads.getCurrentThreadAllocatedBytes() - before;
      }
      assertThat(allocated).as("bytes for %d tokens", TOKENS).isLessThanOrEqualTo(TOKENS);
    }
  }

  private static Matrix matrix(Arena arena, GgmlType type, int columns, Random random) {
    return Matrix.of(type, 64, columns, KernelOracle.weights(arena, type, 64, columns, random));
  }
}
