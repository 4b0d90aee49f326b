package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.TestModels;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.ScaledAdapter;
import dev.sluice.model.lora.TestAdapters;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import net.jqwik.api.AfterFailureMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;

/**
 * A sequence's logits are the same bits whatever the shards, the chunks, the batch's other members,
 * the threads, the slots and the pages, with adapters and without, also where positions were
 * forgotten and run again.
 */
class DeterminismTest {
  private static final GgmlType[] TYPES = {
    GgmlType.F32, GgmlType.F16, GgmlType.BF16, GgmlType.Q8_0, GgmlType.Q4_0
  };
  private static final int LENGTH = 40;
  private static final int SEQUENCES = 4;
  private static final int MAX_ROWS = 24;
  private static final WorkerPool[] POOLS = {
    new WorkerPool(1), new WorkerPool(2), new WorkerPool(3)
  };

  @AfterContainer
  static void closePools() {
    Arrays.stream(POOLS).forEach(WorkerPool::close);
  }

  @Property(tries = 60, shrinking = ShrinkingMode.OFF, afterFailure = AfterFailureMode.RANDOM_SEED)
  void shouldGiveTheSameBitsHoweverRowsAreRun(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    String architecture =
        TestModels.ARCHITECTURES.get(random.nextInt(TestModels.ARCHITECTURES.size()));
    TestModels model =
        TestModels.random(architecture, random.nextInt(1000))
            .type(TYPES[random.nextInt(TYPES.length)]);
    KvType kvType = random.nextBoolean() ? KvType.F32 : KvType.F16;
    Path folder = Files.createTempDirectory("determinism");
    Path path = model.write(folder);
    try (GgufFile file = GgufFile.open(path)) {
      int[][] sequences = new int[SEQUENCES][];
      for (int s = 0; s < SEQUENCES; s++) {
        int vocabulary = ModelSpec.of(file).vocabularySize();
        sequences[s] = random.ints(LENGTH, 0, vocabulary).toArray();
      }
      List<ScaledAdapter> adapters = adapters(file, random, folder.resolve("adapter"));
      int[][][] expected = alone(file, kvType, adapters, sequences);
      int[][][] actual = mixed(file, kvType, adapters, sequences, random);
      for (int s = 0; s < SEQUENCES; s++) {
        for (int p = 0; p < LENGTH; p++) {
          assertThat(actual[s][p])
              .as(
                  "seed %d: %s, %s, %d adapters, sequence %d, position %d",
                  seed, model, kvType, adapters.size(), s, p)
              .isEqualTo(expected[s][p]);
        }
      }
    } finally {
      Files.delete(path);
      Files.deleteIfExists(folder.resolve("adapter"));
      Files.delete(folder);
    }
  }

  /** In every second case an adapter. */
  private static List<ScaledAdapter> adapters(GgufFile file, Random random, Path path) {
    return random.nextBoolean()
        ? List.of(new ScaledAdapter(TestAdapters.random(file, random.nextInt(99), path), 0.3f))
        : List.of();
  }

  /** One shard, one thread, one sequence at a time, one token at a time. */
  private static int[][][] alone(
      GgufFile file, KvType kvType, List<ScaledAdapter> adapters, int[][] sequences) {
    int[][][] bits = new int[SEQUENCES][LENGTH][];
    ShardOptions options =
        new ShardOptions(new LayerRange(0, 1), kvType, 64, 1, 1, 1)
            .withAdapters(adapters)
            .withContextTokens(64);
    try (ShardChain chain = new ShardChain(file, options, POOLS[0])) {
      MicroBatch batch = new MicroBatch(1);
      for (int s = 0; s < SEQUENCES; s++) {
        for (int p = 0; p < LENGTH; p++) {
          chain.step(batch, 0, p, MicroBatch.LAST_LOGITS, sequences[s][p]);
          assertThat(batch.failure(0)).isEqualTo(MicroBatch.FINE);
          bits[s][p] = bits(chain.logits(0));
        }
        chain.release(0);
      }
      assertThat(chain.shards().getFirst().kvUsage().usedPages()).isZero();
    }
    return bits;
  }

  /** Everything drawn. Every row's logits are asked for, so that every row is compared. */
  private static int[][][] mixed(
      GgufFile file,
      KvType kvType,
      List<ScaledAdapter> adapters,
      int[][] sequences,
      Random random) {
    int layers = ModelSpec.of(file).layers();
    TreeSet<Integer> cuts = new TreeSet<>();
    for (int cut = 1; cut < layers; cut++) {
      if (random.nextBoolean()) {
        cuts.add(cut);
      }
    }
    ShardOptions options =
        new ShardOptions(new LayerRange(0, 1), kvType, 512, 9, MAX_ROWS, MAX_ROWS)
            .withAdapters(adapters)
            .withPageTokens(1 + random.nextInt(40))
            .withContextTokens(64);
    WorkerPool pool = POOLS[random.nextInt(POOLS.length)];
    int[][][] bits = new int[SEQUENCES][LENGTH][];
    int[] next = new int[SEQUENCES];
    List<Integer> slots = new ArrayList<>(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8));
    Collections.shuffle(slots, random);
    try (ShardChain chain =
        new ShardChain(file, options, pool, cuts.stream().mapToInt(c -> c).toArray())) {
      MicroBatch batch = new MicroBatch(SEQUENCES);
      while (Arrays.stream(next).anyMatch(n -> n < LENGTH)) {
        fill(batch, chain, sequences, next, slots, random);
        chain.step(batch);
        collect(batch, chain, next, slots, bits);
        if (random.nextInt(4) == 0) {
          int s = random.nextInt(SEQUENCES);
          next[s] = random.nextInt(next[s] + 1);
          cut(chain, slots.get(s), next[s]);
        }
        if (random.nextInt(4) == 0) {
          bringBack(chain, slots.get(random.nextInt(SEQUENCES)), random);
        }
      }
      for (int slot : slots) {
        chain.release(slot);
      }
      chain.shards().forEach(s -> assertThat(s.kvUsage().usedPages()).isZero());
    }
    return bits;
  }

  /** Forgets positions, which are run again. */
  private static void cut(ShardChain chain, int slot, int positions) {
    for (ModelShard shard : chain.shards()) {
      shard.truncate(slot, positions);
      assertThat(shard.positions(slot)).isEqualTo(positions);
    }
  }

  /** Forgets a sequence after its keys and values were copied, and gives it these, in two parts. */
  private static void bringBack(ShardChain chain, int slot, Random random) {
    for (ModelShard shard : chain.shards()) {
      int positions = shard.positions(slot);
      int part = random.nextInt(positions + 1);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment head = arena.allocate(part * shard.kvRowBytes());
        MemorySegment tail = arena.allocate(8 + (positions - part) * shard.kvRowBytes());
        shard.copyKv(slot, 0, part, head);
        shard.copyKv(slot, part, positions - part, tail.asSlice(8));
        shard.release(slot);
        assertThat(shard.restoreKv(slot, part, head, 0)).isTrue();
        assertThat(shard.restoreKv(slot, positions - part, tail, 8)).isTrue();
      }
      assertThat(shard.positions(slot)).isEqualTo(positions);
    }
  }

  /** A batch of some of the sequences, each with a chunk or a single token. */
  private static void fill(
      MicroBatch batch,
      ShardChain chain,
      int[][] sequences,
      int[] next,
      List<Integer> slots,
      Random random) {
    batch.clear();
    int first = random.nextInt(SEQUENCES);
    for (int i = 0; i < SEQUENCES; i++) {
      int s = (first + i) % SEQUENCES;
      int room = Math.min(LENGTH - next[s], MAX_ROWS - batch.rows());
      if (room > 0 && (batch.entries() == 0 || random.nextBoolean())) {
        int count = random.nextBoolean() ? 1 : 1 + random.nextInt(room);
        for (int t = 0; t < count; t++) {
          chain
              .tokens()
              .setAtIndex(ValueLayout.JAVA_INT, batch.rows() + t, sequences[s][next[s] + t]);
        }
        batch.add(slots.get(s), next[s], count, MicroBatch.ALL_LOGITS);
      }
    }
    if (batch.entries() == 0) {
      fill(batch, chain, sequences, next, slots, random);
    }
  }

  private static void collect(
      MicroBatch batch, ShardChain chain, int[] next, List<Integer> slots, int[][][] bits) {
    int row = 0;
    for (int i = 0; i < batch.entries(); i++) {
      assertThat(batch.failure(i)).isEqualTo(MicroBatch.FINE);
      int s = slots.indexOf(batch.slot(i));
      for (int t = 0; t < batch.tokenCount(i); t++) {
        bits[s][next[s]++] = bits(chain.logits(row++));
      }
    }
  }

  private static int[] bits(float[] logits) {
    int[] bits = new int[logits.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(logits[i]);
    }
    return bits;
  }
}
