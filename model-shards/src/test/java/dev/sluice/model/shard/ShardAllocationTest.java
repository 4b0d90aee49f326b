package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sluice.model.TestModels;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.LoraAdapter;
import dev.sluice.model.lora.ScaledAdapter;
import dev.sluice.model.lora.TestAdapters;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A step allocates nothing on the heap in steady state. Until the compiler has its final code,
 * vector operations box their vectors: so the test runs until a stretch allocates nothing, and
 * gives up after many.
 */
class ShardAllocationTest {
  private static final int STRETCHES = 4_000;
  private static final int ROUNDS = 20;
  private static final int VOCABULARY = 50;

  @TempDir private Path folder;
  private final MicroBatch batch = new MicroBatch(4);

  @ParameterizedTest
  @CsvSource({"llama, false", "gemma2, false", "gpt2, false", "llama, true"})
  void shouldAllocateNothingPerStepInSteadyState(String architecture, boolean adapted) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    TestModels model = TestModels.of(architecture, 3).layers(2).vocabulary(VOCABULARY);
    ShardOptions options =
        new ShardOptions(new LayerRange(0, 2), KvType.F16, 64, 4, 32, 16).withPageTokens(8);
    try (GgufFile file = GgufFile.open(model.write(folder));
        WorkerPool single = new WorkerPool(1);
        ShardChain chain =
            new ShardChain(file, adapted ? adapted(options, file) : options, single, 1)) {
      long allocated = Long.MAX_VALUE;
      for (int stretch = 0; stretch < STRETCHES && allocated > 0; stretch++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int round = 0; round < ROUNDS; round++) {
          prefillAndDecode(chain, round);
        }
        allocated = threads.getCurrentThreadAllocatedBytes() - before;
      }
      assertThat(allocated).as("bytes allocated by the last %d rounds", ROUNDS).isZero();
    }
  }

  private ShardOptions adapted(ShardOptions options, GgufFile file) {
    LoraAdapter adapter = TestAdapters.random(file, 1, folder.resolve("adapter.gguf"));
    return options.withAdapters(List.of(new ScaledAdapter(adapter, 0.5f)));
  }

  private void prefillAndDecode(ShardChain chain, int round) {
    for (int t = 0; t < 13; t++) {
      chain.tokens().setAtIndex(ValueLayout.JAVA_INT, t, (7 * round + 11 * t) % VOCABULARY);
    }
    batch.clear();
    batch.add(round % 3, 0, 9, MicroBatch.LAST_LOGITS);
    batch.add(3, 0, 4, MicroBatch.ALL_LOGITS);
    chain.step(batch);
    batch.clear();
    batch.add(3, 4, 1, MicroBatch.LAST_LOGITS);
    chain.step(batch);
    chain.release(3);
    chain.release(round % 3);
  }
}
