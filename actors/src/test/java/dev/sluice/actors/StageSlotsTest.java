package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.actors.kept.RowLog;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class StageSlotsTest {
  private static final ShardOptions OPTIONS =
      new ShardOptions(new LayerRange(0, 1), KvType.F32, 256, 4, 64, 64);

  private final ModelShard shard = new FakeShards(2).load(OPTIONS);
  private final StageSlots slots =
      new StageSlots(
          shard, RowLog.ofActivations(4, FakeShards.WIDTH, new LogLimits(1 << 20, 0)), 4);
  private final MemorySegment rows = Arena.ofAuto().allocate(64L * FakeShards.WIDTH * Float.BYTES);
  private final MicroBatch batch = new MicroBatch(4);

  @AfterEach
  void close() {
    slots.close();
  }

  /** The slot's next positions are computed. */
  private void compute(int slot, int position, int count) {
    batch.clear();
    batch.add(slot, position, count, 0);
    shard.reserve(batch, 0);
    slots.log(batch, rows);
  }

  @Test
  void shouldTellWhatItHasOfEverySequence() {
    slots.open(1, 70, 0);
    slots.open(3, 71, 0);
    compute(1, 0, 20);
    compute(1, 20, 1);
    compute(3, 0, 5);
    assertThat(slots.held())
        .containsExactly(new HeldSlot(1, 70, 21, 21), new HeldSlot(3, 71, 5, 5));
    slots.close(1);
    assertThat(slots.held()).containsExactly(new HeldSlot(3, 71, 5, 5));
  }

  @Test
  void shouldGoOnWhereItIsTold() {
    slots.open(1, 70, 0);
    compute(1, 0, 20);
    slots.open(1, 70, 12);
    assertThat(slots.held()).containsExactly(new HeldSlot(1, 70, 12, 12));
    compute(1, 12, 3);
    slots.replay(1, 0, 15, rows);
    assertThat(slots.held()).containsExactly(new HeldSlot(1, 70, 15, 15));
  }

  @Test
  void shouldForgetASlotThatAnotherSequenceTakes() {
    slots.open(1, 70, 0);
    compute(1, 0, 20);
    slots.open(1, 72, 0);
    assertThat(slots.held()).containsExactly(new HeldSlot(1, 72, 0, 0));
  }

  @Test
  void shouldRefuseToGoOnWithWhatItDoesNotHave() {
    slots.open(1, 70, 0);
    compute(1, 0, 20);
    assertThatThrownBy(() -> slots.open(1, 70, 21))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("21 positions of a sequence were to be kept in slot 1, which has 20");
    assertThatThrownBy(() -> slots.open(1, 72, 5))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("of another");
  }

  @Test
  void shouldNotLogRowsOfFailedEntries() {
    slots.open(1, 70, 0);
    compute(1, 0, 20);
    batch.clear();
    batch.add(1, 20, 1, 0);
    batch.fail(0, MicroBatch.NON_FINITE, 0);
    slots.log(batch, rows);
    assertThat(slots.held()).containsExactly(new HeldSlot(1, 70, 20, 20));
  }
}
