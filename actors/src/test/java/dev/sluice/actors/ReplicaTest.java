package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.KvReplica;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.LinkAddress;
import dev.sluice.transport.Transport;
import dev.sluice.transport.TransportConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A stage and the keeper of its copy, driven by hand over real links, one epoch after the other.
 */
@Timeout(60)
final class ReplicaTest {
  private static final int SLOTS = 4;
  private static final int TOKENS = 600;
  private static final long ROW = FakeShards.KV_ROW_BYTES;
  private static final int FRAME_ROWS = 7;

  private final Arena arena = Arena.ofAuto();
  private final MemorySegment rows = arena.allocate(4096L * FakeShards.WIDTH * Float.BYTES, 64);
  private final MicroBatch batch = new MicroBatch(SLOTS);
  private final AtomicLong clock = new AtomicLong();
  private final List<AutoCloseable> open = new ArrayList<>();
  private KvReplica copy = copy(2 * TOKENS);
  private Transport transport;
  private StageSlots slots;
  private ReplicaFeed feed;
  private ReplicaKeeper keeper;
  private int epoch;

  @BeforeEach
  void launch() {
    transport = Transport.launch(TransportConfig.defaults());
    slots = slots();
    begin(false);
  }

  @AfterEach
  void close() throws Exception {
    end();
    transport.close();
    copy.close();
  }

  private static KvReplica copy(int tokens) {
    return new KvReplica(SLOTS, ROW, ShardOptions.DEFAULT_PAGE_TOKENS, tokens * ROW);
  }

  private static StageSlots slots() {
    ShardOptions options =
        new ShardOptions(new LayerRange(1, 2), KvType.F32, TOKENS, SLOTS, TOKENS, SLOTS);
    return new StageSlots(new FakeShards(3).load(options), null, SLOTS);
  }

  /** A new epoch, of the same stage or of one that replaces it. */
  private void begin(boolean restores) {
    epoch++;
    LinkAddress to = LinkAddress.ipc(2 * epoch);
    LinkAddress back = LinkAddress.ipc(2 * epoch + 1);
    FrameReceiver fromOwner = opened(transport.receiver(to));
    FrameReceiver fromKeeper = opened(transport.receiver(back));
    FrameSender toKeeper = opened(transport.sender(to));
    FrameSender toOwner = opened(transport.sender(back));
    MemorySegment kept = arena.allocate(FRAME_ROWS * ROW, 64);
    MemorySegment fed = arena.allocate(FRAME_ROWS * ROW, 64);
    keeper = new ReplicaKeeper(2, epoch, copy, fromOwner, toOwner, kept);
    feed =
        new ReplicaFeed(
            epoch, "stage 1", slots, restores, toKeeper, fromKeeper, fed, TOKENS, clock::get);
  }

  private <T extends AutoCloseable> T opened(T link) {
    open.add(link);
    return link;
  }

  private void end() throws Exception {
    keeper.drain();
    for (AutoCloseable link : open) {
      link.close();
    }
    open.clear();
  }

  private void compute(int slot, int count) {
    batch.clear();
    batch.add(slot, slots.shard().positions(slot), count, 0);
    for (int i = 0; i < count; i++) {
      int token = (int) slots.sequence(slot) * 7 + slots.shard().positions(slot) + i;
      rows.setAtIndex(ValueLayout.JAVA_FLOAT, (long) i * FakeShards.WIDTH, token);
    }
    slots.shard().reserve(batch, 1);
    slots.shard().forward(batch, 1, rows, rows);
  }

  private void settle() {
    Eventually.until("the copy is complete", () -> feed.doWork() + keeper.doWork() == 0 && same());
  }

  private boolean same() {
    for (int slot = 0; slot < SLOTS; slot++) {
      if (copy.positions(slot) < slots.shard().positions(slot)
          || (copy.sequence(slot) != slots.sequence(slot) && copy.positions(slot) > 0)) {
        return false;
      }
    }
    return true;
  }

  private void check() {
    for (int slot = 0; slot < SLOTS; slot++) {
      int positions = slots.shard().positions(slot);
      MemorySegment mine = arena.allocate(positions * ROW + 8, 8);
      MemorySegment theirs = arena.allocate(positions * ROW + 8, 8);
      slots.shard().copyKv(slot, 0, positions, mine);
      copy.read(slot, 0, positions, theirs);
      assertThat(theirs.mismatch(mine)).as("slot %d", slot).isEqualTo(-1);
    }
  }

  @Test
  void shouldGiveAReplacedStageBackWhatItHad() throws Exception {
    slots.open(1, 70, 0);
    compute(1, 100);
    slots.open(3, 71, 0);
    compute(3, 9);
    settle();
    check();
    List<HeldSlot> held = slots.held();
    end();
    slots = slots();
    begin(true);
    assertThat(feed.restoring()).isTrue();
    Eventually.until("it is back", () -> feed.doWork() + keeper.doWork() == 0 && !feed.restoring());
    assertThat(slots.held()).isEqualTo(held);
    check();
    compute(1, 30);
    settle();
    check();
  }

  @Test
  void shouldSendOnlyWhatTheCopyLacksAfterAnEpoch() throws Exception {
    slots.open(1, 70, 0);
    compute(1, 100);
    settle();
    end();
    begin(false);
    slots.open(1, 70, 95);
    compute(1, 10);
    copyOnce();
    assertThat(copy.positions(1)).isEqualTo(105);
    check();
  }

  /** Five rows are one frame. */
  private void copyOnce() {
    int[] work = new int[1];
    Eventually.until(
        "the copy is complete",
        () -> {
          work[0] += keeper.doWork();
          return feed.doWork() + keeper.doWork() == 0 && same();
        });
    assertThat(work[0]).as("turns of the keeper with something to do").isLessThan(10);
  }

  @Test
  void shouldForgetWhatIsClosed() {
    slots.open(1, 70, 0);
    compute(1, 50);
    settle();
    slots.close(1);
    settle();
    Eventually.until(
        "it is gone", () -> feed.doWork() + keeper.doWork() == 0 && copy.positions(1) == 0);
  }

  @Test
  void shouldWaitForWhatIsLostNoLongerThanItsPatience() throws Exception {
    end();
    slots = slots();
    begin(true);
    feed.doWork();
    clock.addAndGet(ReplicaFeed.PATIENCE.toNanos());
    feed.doWork();
    assertThat(feed.restoring()).isTrue();
    Eventually.until(
        "it has waited long enough",
        () -> {
          clock.addAndGet(ReplicaFeed.PATIENCE.toNanos() + 1);
          feed.doWork();
          return !feed.restoring();
        });
    slots.open(2, 72, 0);
    compute(2, 20);
    settle();
    check();
  }

  @Test
  void shouldTryNoSequenceAgainThatTheKeeperHasNoRoomFor() throws Exception {
    end();
    copy.close();
    copy = copy(32);
    begin(false);
    slots.open(1, 70, 0);
    compute(1, 20);
    settle();
    compute(1, 20);
    Eventually.until(
        "it is given up", () -> feed.doWork() + keeper.doWork() == 0 && copy.positions(1) == 0);
    Eventually.until("nobody tries again", () -> feed.doWork() == 0 && keeper.doWork() == 0);
    compute(1, 20);
    assertThat(feed.doWork()).isZero();
    slots.open(1, 71, 0);
    compute(1, 5);
    settle();
    check();
  }

  @Test
  void shouldKeepUpWithWhateverHappens() throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try {
      for (int step = 0; step < 2_000; step++) {
        turn(random);
      }
      settle();
      check();
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  private void turn(Random random) throws Exception {
    int slot = random.nextInt(SLOTS);
    int positions = slots.shard().positions(slot);
    switch (random.nextInt(40)) {
      case 0 -> slots.open(slot, random.nextInt(1_000), 0);
      case 1 -> slots.close(slot);
      case 2 -> {
        end();
        boolean lost = random.nextBoolean();
        slots = lost ? slots() : slots;
        begin(lost);
        while (feed.restoring()) {
          feed.doWork();
          keeper.doWork();
        }
      }
      case 3 -> {
        if (positions > 0) {
          slots.open(slot, slots.sequence(slot), 1 + random.nextInt(positions));
        }
      }
      case 4, 5, 6, 7, 8, 9, 10, 11 -> {
        int count = Math.min(TOKENS / SLOTS - positions, 1 + random.nextInt(20));
        if (slots.sequence(slot) != KvReplica.NOBODY && count > 0) {
          compute(slot, count);
        }
      }
      case 12, 13, 14, 15, 16, 17 -> keeper.doWork();
      default -> feed.doWork();
    }
  }
}
