package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.Fixtures;
import dev.sluice.model.TestModels;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VectorShardTest {
  private static final int VOCABULARY = 50;
  private static final ShardOptions OPTIONS =
      new ShardOptions(new LayerRange(0, 3), KvType.F32, 64, 4, 32, 16).withPageTokens(8);

  @TempDir private Path folder;
  private final WorkerPool pool = new WorkerPool(2);
  private GgufFile file;
  private ShardChain chain;
  private final MicroBatch batch = new MicroBatch(8);

  @BeforeEach
  void load() {
    file = GgufFile.open(TestModels.of("llama", 3).layers(3).vocabulary(VOCABULARY).write(folder));
    chain = new ShardChain(file, OPTIONS, pool, 1);
  }

  @AfterEach
  void close() {
    chain.close();
    file.close();
    pool.close();
  }

  private void tokens(int... ids) {
    MemorySegment.copy(ids, 0, chain.tokens(), ValueLayout.JAVA_INT, 0, ids.length);
  }

  private float[] alone(int... ids) {
    chain.step(new MicroBatch(1), 3, 0, MicroBatch.LAST_LOGITS, ids);
    chain.release(3);
    return chain.logits(0);
  }

  @Test
  void shouldAnswerOnlyTheRowsThatWantLogits() {
    float[] first = alone(1, 2, 3);
    float[] second = alone(4, 5);
    batch.clear();
    batch.add(0, 0, 3, MicroBatch.LAST_LOGITS);
    batch.add(1, 0, 4, 0);
    batch.add(2, 0, 2, MicroBatch.ALL_LOGITS);
    tokens(1, 2, 3, 9, 9, 9, 9, 4, 5);
    chain.step(batch);
    assertThat(chain.logits(0)).isEqualTo(first);
    assertThat(chain.logits(2)).isEqualTo(second);
  }

  @Test
  void shouldMarkEntriesWithoutPagesAndServeTheOthers() {
    float[] expected = alone(7, 8);
    batch.clear();
    batch.add(0, 0, 20, 0);
    tokens(new int[20]);
    chain.step(batch);
    chain.step(batch, 1, 0, 0, new int[24]);
    // 3 + 3 of 8 pages are taken.
    batch.clear();
    batch.add(2, 0, 17, MicroBatch.LAST_LOGITS);
    batch.add(3, 0, 2, MicroBatch.LAST_LOGITS);
    tokens(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8);
    chain.step(batch);
    assertThat(batch.failure(0)).isEqualTo(MicroBatch.NO_KV_PAGES);
    assertThat(batch.failedStage(0)).isZero();
    assertThat(batch.failed(1)).isFalse();
    assertThat(chain.logits(1)).as("its row keeps its place").isEqualTo(expected);
    for (ModelShard shard : chain.shards()) {
      assertThat(shard.kvUsage().usedPages()).isEqualTo(7);
    }

    // What was on its way for the failed sequence fails too, until the slot is released.
    chain.step(batch, 2, 17, MicroBatch.LAST_LOGITS, 1);
    assertThat(batch.failure(0)).isEqualTo(MicroBatch.NO_KV_PAGES);
    for (int slot = 0; slot < 4; slot++) {
      chain.release(slot);
    }
    chain.step(batch, 2, 0, MicroBatch.LAST_LOGITS, 7, 8);
    assertThat(batch.failed(0)).isFalse();
    assertThat(chain.logits(0)).isEqualTo(expected);
  }

  @Test
  void shouldTakeNoKeysAndValuesThatItHasNoRoomFor() {
    ModelShard shard = chain.shards().getFirst();
    chain.step(batch, 0, 0, 0, 1, 2, 3);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment rows = arena.allocate(1_000 * shard.kvRowBytes());
      assertThatThrownBy(() -> shard.copyKv(0, 1, 3, rows))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThat(shard.restoreKv(1, 1_000, rows, 0)).isFalse();
      assertThatThrownBy(() -> shard.restoreKv(1, 2, rows, 999 * shard.kvRowBytes()))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThat(shard.positions(1)).isZero();
    }
  }

  @Test
  void shouldTellWhatASlotHoldsAndForgetItsEnd() {
    float[] expected = alone(1, 2, 3, 4);
    ModelShard shard = chain.shards().getFirst();
    assertThat(shard.positions(0)).isZero();
    chain.step(batch, 0, 0, 0, 1, 2, 9, 9, 9, 9, 9, 9, 9);
    assertThat(shard.positions(0)).isEqualTo(9);
    assertThatThrownBy(() -> shard.truncate(0, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("slot 0 holds 9 positions");
    chain.shards().forEach(s -> s.truncate(0, 2));
    assertThat(shard.kvUsage().usedPages()).isEqualTo(1);
    chain.step(batch, 0, 2, MicroBatch.LAST_LOGITS, 3, 4);
    assertThat(chain.logits(0)).isEqualTo(expected);

    // A failed sequence has a hole: nothing of it can be kept.
    batch.clear();
    batch.add(0, 4, 1, 0);
    batch.fail(0, MicroBatch.SHARD_ERROR, 0);
    shard.reserve(batch, 0);
    assertThat(shard.positions(0)).isZero();
  }

  @Test
  void shouldKeepASequenceWithinTheContext() {
    ShardOptions options = OPTIONS.withContextTokens(10);
    try (ShardChain narrow = new ShardChain(file, options, pool)) {
      narrow.step(batch, 0, 0, 0, new int[10]);
      assertThat(batch.failed(0)).isFalse();
      narrow.step(batch, 0, 10, 0, 1);
      assertThat(batch.failure(0)).isEqualTo(MicroBatch.NO_KV_PAGES);
    }
  }

  @Test
  void shouldMarkRowsThatAreNotFinite() {
    float[] expected = alone(4, 5);
    try (Arena arena = Arena.ofShared()) {
      ModelShard last = chain.shards().get(1);
      int width = last.spec().embeddingLength();
      MemorySegment rows = arena.allocate(4L * width * 4, 4);
      rows.setAtIndex(ValueLayout.JAVA_FLOAT, width + 3L, Float.NaN);
      MemorySegment logits = arena.allocate(4L * 3 * VOCABULARY, 4).fill((byte) 1);
      batch.clear();
      batch.add(0, 0, 2, MicroBatch.LAST_LOGITS);
      batch.add(1, 0, 2, MicroBatch.ALL_LOGITS);
      last.reserve(batch, 1);
      last.forward(batch, 1, rows, logits);
      assertThat(batch.failure(0)).isEqualTo(MicroBatch.NON_FINITE);
      assertThat(batch.failedStage(0)).isEqualTo(1);
      assertThat(batch.failed(1)).isFalse();
      assertThat(logits.get(ValueLayout.JAVA_INT, 0)).as("left as it was").isEqualTo(0x01010101);
      assertThat(logits.getAtIndex(ValueLayout.JAVA_INT, VOCABULARY)).isNotEqualTo(0x01010101);
    }
    chain.release(0);
    chain.release(1);
    assertThat(alone(4, 5)).isEqualTo(expected);
  }

  @Test
  void shouldSkipEntriesThatFailedBefore() {
    float[] expected = alone(4, 5);
    batch.clear();
    batch.add(0, 0, 2, MicroBatch.LAST_LOGITS);
    batch.add(1, 0, 2, MicroBatch.LAST_LOGITS);
    batch.fail(0, MicroBatch.SHARD_ERROR, 9);
    tokens(-1, -1, 4, 5);
    chain.step(batch);
    assertThat(batch.failedStage(0)).isEqualTo(9);
    assertThat(chain.logits(1)).isEqualTo(expected);
    for (ModelShard shard : chain.shards()) {
      assertThat(shard.kvUsage().usedPages()).isEqualTo(1);
    }
  }

  @Test
  void shouldNameATokenOutsideTheVocabulary() {
    for (int token : new int[] {VOCABULARY, -1}) {
      assertThatThrownBy(() -> chain.step(batch, 2, 0, 0, 1, token))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("token " + token)
          .hasMessageContaining("slot 2")
          .hasMessageContaining("position 1");
      // The sequence is spoilt until it is released.
      chain.step(batch, 2, 2, 0, 1);
      assertThat(batch.failure(0)).isEqualTo(MicroBatch.SHARD_ERROR);
      chain.release(2);
    }
  }

  @Test
  void shouldRefuseGapsAndMissingReservations() {
    chain.step(batch, 0, 0, 0, 1, 2);
    assertThatThrownBy(() -> chain.step(batch, 0, 3, 0, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("slot 0 stands at position 2");
    chain.release(0);
    batch.clear();
    batch.add(0, 0, 1, 0);
    ModelShard first = chain.shards().getFirst();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment output = arena.allocate(1 << 12, 4);
      assertThatThrownBy(() -> first.forward(batch, 0, chain.tokens(), output))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no KV pages");
    }
  }

  @Test
  void shouldRefuseBatchesBeyondItsLimits() {
    assertThatThrownBy(() -> chain.step(batch, 4, 0, 0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("slot 4");
    batch.clear();
    batch.add(0, 0, 33, 0);
    assertThatThrownBy(() -> chain.step(batch))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("33 rows");
    batch.clear();
    batch.add(0, 0, 17, MicroBatch.ALL_LOGITS);
    assertThatThrownBy(() -> chain.shards().get(1).reserve(batch, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("17 rows of logits");
    batch.clear();
    batch.add(0, 0, 2, 0);
    MemorySegment small = chain.tokens().asSlice(0, 7);
    ModelShard first = chain.shards().getFirst();
    first.reserve(batch, 0);
    assertThatThrownBy(() -> first.forward(batch, 0, small, chain.tokens()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("input of 7 bytes");
  }

  @Test
  void shouldIgnoreReleasesOfWhatIsNotHeld() {
    chain.release(-1);
    chain.release(0);
    chain.release(1000);
    assertThat(chain.shards().getFirst().kvUsage().usedPages()).isZero();
  }

  @Test
  void shouldRefuseLayersThatTheModelHasNot() {
    assertThatThrownBy(
            () -> ModelShards.load(file, OPTIONS.withRange(new LayerRange(2, 4)), pool).close())
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> ModelShards.load(file, OPTIONS.withRange(new LayerRange(2, 2)), pool).close())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldNameMissingAndMisshapenTensors() {
    refuses(
        TestModels.of("llama", 1).layers(1).with(w -> w.uint32("llama.block_count", 2), "more"),
        "tensor blk.1.attn_norm.weight is missing; expected with shape [64]");
    refuses(
        TestModels.of("llama", 1).with(w -> w.uint32("llama.feed_forward_length", 64), "shape"),
        "tensor blk.0.ffn_gate.weight has shape [64, 96], expected [64, 64]");
    refuses(
        TestModels.of("llama", 1).with(w -> w.uint32("llama.vocab_size", 129), "vocabulary"),
        "tensor token_embd.weight has shape [64, 128], expected [64, 129]");
    refuses(
        TestModels.of("llama", 1)
            .with(w -> w.tensor("rope_freqs.weight", new float[8], 8), "factors"),
        "rope_freqs.weight holds 0.0");
    refuses(
        TestModels.of("qwen3", 1)
            .with(w -> w.string("general.architecture", "qwen3"), "none")
            .headLength(16)
            .with(w -> w.uint32("qwen3.attention.key_length", 8), "length")
            .with(w -> w.uint32("qwen3.rope.dimension_count", 8), "rope"),
        "blk.0.attn_q.weight");
  }

  private void refuses(TestModels model, String message) {
    try (GgufFile bad = GgufFile.open(model.write(folder))) {
      assertThatThrownBy(
              () -> ModelShards.load(bad, OPTIONS.withRange(LayerRange.all(2)), pool).close())
          .isInstanceOf(ModelFileException.class)
          .hasMessageContaining(message);
    }
  }

  @Test
  void shouldRefuseAVocabularyWithoutWeights() {
    try (GgufFile vocabulary = GgufFile.open(Fixtures.path("vocabs/ggml-vocab-phi-3.gguf"))) {
      assertThatThrownBy(() -> ModelShards.load(vocabulary, OPTIONS, pool).close())
          .isInstanceOf(ModelFileException.class)
          .hasMessageContaining("vocabulary");
    }
  }
}
