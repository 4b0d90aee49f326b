package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.javadsl.Sink;
import com.sun.management.ThreadMXBean;
import dev.sluice.actors.placement.FakePlans;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The thread of a stage allocates nothing for a token. */
@Timeout(120)
final class ShardRunnerAllocationTest {
  private static final int MOST_TRIES = 20;
  private static final int TOKENS = 2_000;

  @Test
  void shouldAllocateNothingPerToken() throws Exception {
    PipelineOptions options =
        PipelineOptions.builder().stages(3).threads(1).kvTokens(1 << 14).build();
    try (Pipeline pipeline =
        Pipeline.start(
            FakePlans.uniform(3), new ModelShape(8, 16, 1 << 14), Still::new, options, () -> {})) {
      generate(pipeline);
      // What a request costs, but nothing per token, once the compiler is done.
      long least = Long.MAX_VALUE;
      for (int i = 0; i < MOST_TRIES && least >= 8L * TOKENS; i++) {
        long before = allocated("sluice-shard-0") + allocated("sluice-shard-1");
        generate(pipeline);
        long after = allocated("sluice-shard-0") + allocated("sluice-shard-1");
        least = Math.min(least, after - before);
      }
      assertThat(least).isLessThan(8L * TOKENS);
    }
  }

  private static void generate(Pipeline pipeline) throws Exception {
    TokenRequest request =
        new TokenRequest(new int[] {1}, SamplingParameters.GREEDY, TOKENS, new int[0], false);
    pipeline
        .generator()
        .generate(request)
        .runWith(Sink.ignore(), pipeline.system())
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
  }

  private static long allocated(String thread) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long id =
        Thread.getAllStackTraces().keySet().stream()
            .filter(t -> t.getName().equals(thread))
            .findFirst()
            .orElseThrow()
            .threadId();
    return threads.getThreadAllocatedBytes(id);
  }

  /** A shard that does nothing: all logits are 0, and the first token is taken. */
  private static final class Still implements ModelShard {
    private final ShardOptions options;

    Still(ShardOptions options) {
      this.options = options;
    }

    @Override
    public ModelSpec spec() {
      throw new UnsupportedOperationException("no model");
    }

    @Override
    public LayerRange range() {
      return options.range();
    }

    @Override
    public void reserve(MicroBatch batch, int stage) {}

    @Override
    public void forward(MicroBatch batch, int stage, MemorySegment input, MemorySegment output) {}

    @Override
    public int positions(int slot) {
      return 0;
    }

    @Override
    public void truncate(int slot, int positions) {}

    @Override
    public void release(int slot) {}

    @Override
    public KvUsage kvUsage() {
      return new KvUsage(0, 1 << 10, options.pageTokens(), 0, 0);
    }

    @Override
    public void close() {}
  }
}
