package dev.sluice.model.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.TestModels;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Budget, failures, ownership and number types of the reference. */
class ReferenceShardTest {
  private static final int PAGE = 4;
  private static final LayerRange ALL = LayerRange.all(3);

  @TempDir private Path folder;

  private GgufFile model() {
    return GgufFile.open(TestModels.of("llama", 1).context(24).write(folder));
  }

  /** Eight pages of four positions. */
  private static ShardOptions options(LayerRange range) {
    return new ShardOptions(range, KvType.F32, 8 * PAGE, 3, 64, 64).withPageTokens(PAGE);
  }

  private static MicroBatch step(ModelShard shard, Arena arena, int... entries) {
    MicroBatch batch = new MicroBatch(8);
    for (int i = 0; i < entries.length; i += 3) {
      batch.add(entries[i], entries[i + 1], entries[i + 2], MicroBatch.LAST_LOGITS);
    }
    shard.reserve(batch, 7);
    MemorySegment input = arena.allocate(ValueLayout.JAVA_INT, batch.rows());
    shard.forward(batch, 7, input, logits(shard, arena, batch));
    return batch;
  }

  private static MemorySegment logits(ModelShard shard, Arena arena, MicroBatch batch) {
    return arena.allocate(
        ValueLayout.JAVA_FLOAT, (long) batch.logitRows() * shard.spec().vocabularySize());
  }

  @Test
  void shouldAnswerThatPagesRanOutAndGoOnWithOthers() {
    try (Arena arena = Arena.ofConfined();
        GgufFile file = model();
        ModelShard shard = ReferenceShards.load(file, options(ALL))) {
      MicroBatch first = step(shard, arena, 0, 0, 17, 1, 0, 9);
      assertThat(first.failed(0)).isFalse();
      assertThat(first.failed(1)).isFalse();
      KvUsage full = shard.kvUsage();
      assertThat(full.usedPages()).isEqualTo(8);
      assertThat(full.totalPages()).isEqualTo(8);
      assertThat(full.usedBytes()).isEqualTo(full.totalBytes()).isEqualTo(8L * PAGE * 3 * 64 * 8);

      MicroBatch second = step(shard, arena, 0, 17, 3, 2, 0, 1, 1, 9, 1);
      assertThat(second.failed(0)).isFalse();
      assertThat(second.failure(1)).isEqualTo(MicroBatch.NO_KV_PAGES);
      assertThat(second.failedStage(1)).isEqualTo(7);
      assertThat(second.failed(2)).isFalse();

      // The failed sequence stays failed until it is released, also when there is room again.
      shard.release(0);
      assertThat(shard.kvUsage().usedPages()).isEqualTo(3);
      assertThat(step(shard, arena, 2, 0, 1).failure(0)).isEqualTo(MicroBatch.NO_KV_PAGES);
      shard.release(2);
      assertThat(step(shard, arena, 2, 0, 1).failed(0)).isFalse();
      shard.release(1);
      shard.release(2);
      shard.release(2);
      assertThat(shard.kvUsage().usedPages()).isZero();
    }
  }

  @Test
  void shouldForgetPositionsAndGoOnAsIfTheyHadNeverBeen() {
    try (GgufFile file = model();
        ShardChain chain = ShardChain.reference(file, 2)) {
      double[][] expected = chain.next(0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
      for (int kept : new int[] {9, 7, 4, 1, 0}) {
        for (int stage = 0; stage < 2; stage++) {
          ModelShard shard = chain.shard(stage);
          shard.truncate(0, kept);
          assertThat(shard.positions(0)).isEqualTo(kept);
          assertThatIllegalArgumentException()
              .isThrownBy(() -> shard.truncate(0, kept + 1))
              .withMessageContaining("slot 0 holds " + kept);
        }
        int[] again = IntStream.rangeClosed(kept + 1, 10).toArray();
        assertThat(chain.next(0, kept, again))
            .isEqualTo(Arrays.copyOfRange(expected, kept, expected.length));
      }
      chain.shard(0).truncate(0, 0);
      assertThat(chain.shard(0).kvUsage().usedPages()).isZero();
    }
  }

  @Test
  void shouldAnswerThatTheContextEnds() {
    try (Arena arena = Arena.ofConfined();
        GgufFile file = model();
        ModelShard shard = ReferenceShards.load(file, options(ALL))) {
      assertThat(step(shard, arena, 0, 0, 24).failed(0)).isFalse();
      assertThat(step(shard, arena, 0, 24, 1).failure(0)).isEqualTo(MicroBatch.NO_KV_PAGES);
    }
    try (Arena arena = Arena.ofConfined();
        GgufFile file = model();
        ModelShard shard = ReferenceShards.load(file, options(ALL).withContextTokens(10))) {
      assertThat(step(shard, arena, 0, 0, 11).failure(0)).isEqualTo(MicroBatch.NO_KV_PAGES);
    }
  }

  @Test
  void shouldMarkRowsThatAreNotFinite() {
    try (Arena arena = Arena.ofConfined();
        GgufFile file = model();
        ModelShard shard = ReferenceShards.load(file, options(new LayerRange(1, 3)))) {
      int width = shard.spec().embeddingLength();
      MicroBatch batch = new MicroBatch(2);
      batch.add(0, 0, 2, MicroBatch.LAST_LOGITS);
      batch.add(1, 0, 2, MicroBatch.LAST_LOGITS);
      MemorySegment input = arena.allocate(ValueLayout.JAVA_FLOAT, 4L * width);
      input.setAtIndex(ValueLayout.JAVA_FLOAT, 5, Float.NaN);
      input.setAtIndex(ValueLayout.JAVA_FLOAT, 3L * width, 1);
      shard.reserve(batch, 2);
      shard.forward(batch, 2, input, logits(shard, arena, batch));
      assertThat(batch.failure(0)).isEqualTo(MicroBatch.NON_FINITE);
      assertThat(batch.failedStage(0)).isEqualTo(2);
      assertThat(batch.failed(1)).isFalse();
    }
  }

  @Test
  void shouldRefuseWhatBreaksTheContract() {
    try (Arena arena = Arena.ofConfined();
        GgufFile file = model()) {
      ModelShard shard = ReferenceShards.load(file, options(ALL));
      assertThatIllegalStateException()
          .isThrownBy(() -> step(shard, arena, 0, 3, 1))
          .withMessageContaining("slot 0 stands at position 0");
      // What the exception left half done is not built upon.
      assertThat(step(shard, arena, 0, 0, 1).failure(0)).isEqualTo(MicroBatch.SHARD_ERROR);
      shard.release(0);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> step(shard, arena, 3, 0, 1))
          .withMessageContaining("slot 3");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> step(shard, arena, 0, 0, 65))
          .withMessageContaining("65 rows");
      MicroBatch batch = new MicroBatch(1);
      batch.add(0, 0, 1, MicroBatch.LAST_LOGITS);
      MemorySegment token = arena.allocateFrom(ValueLayout.JAVA_INT, 128);
      shard.reserve(batch, 0);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> shard.forward(batch, 0, token, logits(shard, arena, batch)))
          .withMessageContaining("token 128 of slot 0 at position 0");
      shard.close();
      shard.close();
      assertThatIllegalStateException().isThrownBy(() -> shard.reserve(batch, 0));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ReferenceShards.load(file, options(new LayerRange(2, 4))))
          .withMessageContaining("layers 2..4 of a model with 3");
    }
  }

  @Test
  void shouldNameTheTensorThatDoesNotFit() {
    Path bad =
        TestModels.of("llama", 2)
            .with(w -> w.uint32("llama.feed_forward_length", 32), "shape")
            .write(folder);
    try (GgufFile file = GgufFile.open(bad)) {
      assertThatThrownBy(() -> ReferenceShards.load(file, options(ALL)))
          .isInstanceOf(ModelFileException.class)
          .hasMessageContaining("blk.0.ffn_gate.weight has shape [64, 96], expected [64, 32]");
    }
  }

  /**
   * Single precision keeps 24 bits: relative 6e-8 per operation, over the 64 to 96 terms of a sum
   * and the dozen operations one behind the other in each of three layers within 1e-4 of logits
   * that are about 10 at most.
   */
  @Test
  void shouldComputeInSinglePrecisionToo() {
    int[] tokens = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89};
    try (GgufFile file = model();
        ShardChain exact = ShardChain.reference(file, 1);
        ShardChain single =
            new ShardChain(file, 1, (f, o) -> ReferenceShards.load(f, o, Precision.F32))) {
      double[][] expected = exact.next(0, 0, tokens);
      double[][] logits = single.next(0, 0, tokens);
      double worst = 0;
      for (int p = 0; p < tokens.length; p++) {
        for (int i = 0; i < logits[p].length; i++) {
          worst = Math.max(worst, Math.abs(logits[p][i] - expected[p][i]));
        }
      }
      assertThat(worst).isGreaterThan(0).isLessThan(1e-4);
    }
  }

  /**
   * 40 steps make 20 MB of logits each, outside the heap. Were only the garbage collector to free
   * them, the process would grow by 800 MB.
   */
  @Test
  void shouldNotPileUpMemory() throws IOException {
    Path statm = Path.of("/proc/self/statm");
    Assumptions.assumeTrue(Files.isReadable(statm), "skipped: no /proc/self/statm");
    Path large = TestModels.of("llama", 3).layers(1).vocabulary(20_000).write(folder);
    ShardOptions options = new ShardOptions(LayerRange.all(1), KvType.F32, 128, 1, 128, 128);
    try (Arena arena = Arena.ofConfined();
        GgufFile file = GgufFile.open(large);
        ModelShard shard = ReferenceShards.load(file, options)) {
      MemorySegment input = arena.allocate(ValueLayout.JAVA_INT, 128);
      MemorySegment output = arena.allocate(ValueLayout.JAVA_FLOAT, 128L * 20_000);
      long before = 0;
      for (int i = 0; i < 45; i++) {
        if (i == 5) {
          before = residentPages(statm);
        }
        MicroBatch batch = new MicroBatch(1);
        batch.add(0, 0, 128, MicroBatch.ALL_LOGITS);
        shard.reserve(batch, 0);
        shard.forward(batch, 0, input, output);
        shard.release(0);
      }
      assertThat((residentPages(statm) - before) * 4096).isLessThan(300_000_000);
    }
  }

  private static long residentPages(Path statm) throws IOException {
    return Long.parseLong(Files.readString(statm).split(" ", -1)[1]);
  }

  /** Nothing outside the package knows ND4J, and what the package shows does not either. */
  @Test
  void shouldKeepNd4jToItself() throws IOException, URISyntaxException {
    Path classes =
        Path.of(ReferenceShards.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(classes)) {
      List<String> knowing =
          files
              .filter(f -> f.toString().endsWith(".class") && mentionsNd4j(f))
              .map(f -> classes.relativize(f).toString())
              .toList();
      assertThat(knowing)
          .isNotEmpty()
          .allMatch(f -> f.startsWith("dev/sluice/model/reference/"))
          .noneMatch(f -> f.endsWith("/ReferenceShards.class") || f.endsWith("/Precision.class"));
    }
  }

  private static boolean mentionsNd4j(Path classFile) {
    try {
      return new String(Files.readAllBytes(classFile), StandardCharsets.ISO_8859_1)
          .contains("org/nd4j");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
