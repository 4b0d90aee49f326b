package dev.sluice.actors.kept;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.junit.jupiter.api.Test;

class KeptPositionsTest {
  private static final List<HeldSlot> NEW = List.of();

  private static List<HeldSlot> stage(int held, int logged) {
    return List.of(new HeldSlot(3, 77, held, logged));
  }

  @SafeVarargs
  @SuppressWarnings("varargs")
  private static KeptSlot only(List<HeldSlot>... stages) {
    List<KeptSlot> kept = KeptPositions.of(List.of(stages));
    assertThat(kept).hasSize(1);
    return kept.getFirst();
  }

  @Test
  void shouldKeepWhatAllHoldWhenNoneIsLost() {
    assertThat(only(stage(104, 104), stage(104, 104), stage(100, 0)))
        .isEqualTo(new KeptSlot(3, 77, 100, 0));
  }

  @Test
  void shouldRebuildALostStageFromTheLogBeforeIt() {
    assertThat(only(stage(104, 104), stage(102, 102), NEW, stage(100, 0)))
        .isEqualTo(new KeptSlot(3, 77, 100, 0b0100));
  }

  @Test
  void shouldRebuildNeighboursOneFromTheOther() {
    assertThat(only(stage(104, 104), NEW, NEW, stage(100, 0)))
        .isEqualTo(new KeptSlot(3, 77, 100, 0b0110));
  }

  @Test
  void shouldFeedAFirstStageFromTheHead() {
    assertThat(only(NEW, stage(50, 50), stage(50, 0))).isEqualTo(new KeptSlot(3, 77, 50, 0b001));
  }

  @Test
  void shouldRebuildTheStagesBeforeWhereTheLogDoesNotReachBack() {
    assertThat(only(stage(50, 50), stage(50, 0), NEW, stage(50, 0)))
        .isEqualTo(new KeptSlot(3, 77, 50, 0b0110));
    assertThat(only(stage(50, 0), stage(50, 0), NEW, stage(50, 0)))
        .isEqualTo(new KeptSlot(3, 77, 50, 0b0111));
    assertThat(only(stage(50, 0), stage(50, 0), NEW))
        .as("then nothing is spared")
        .isEqualTo(new KeptSlot(3, 77, 0, 0));
  }

  @Test
  void shouldRebuildAStageThatLagsFarBehind() {
    assertThat(only(stage(1_000, 1_000), stage(20, 20), stage(1_000, 0)))
        .isEqualTo(new KeptSlot(3, 77, 1_000, 0b010));
    assertThat(only(stage(1_000, 1_000), stage(990, 990), stage(1_000, 0)))
        .isEqualTo(new KeptSlot(3, 77, 990, 0));
  }

  @Test
  void shouldNotMixSequencesThatHadTheSameSlot() {
    List<HeldSlot> other = List.of(new HeldSlot(3, 78, 500, 500));
    assertThat(KeptPositions.of(List.of(stage(40, 40), other, stage(40, 0))))
        .containsExactly(new KeptSlot(3, 77, 40, 0b010), new KeptSlot(3, 78, 500, 0b101));
  }

  @Test
  void shouldNameSlotsThatAreOfNoUseAndNoOthers() {
    assertThat(KeptPositions.of(List.of(NEW, NEW))).isEmpty();
    assertThat(only(stage(0, 0), NEW)).isEqualTo(new KeptSlot(3, 77, 0, 0));
    List<List<HeldSlot>> many = new ArrayList<>();
    for (int i = 0; i <= KeptSlot.MOST_STAGES; i++) {
      many.add(stage(9, 9));
    }
    assertThat(KeptPositions.of(many)).containsExactly(new KeptSlot(3, 77, 0, 0));
  }

  @Test
  void shouldKeepForANewHeadOnlyWhatNoStageHoldsMuchMoreOf() {
    List<List<HeldSlot>> near = List.of(stage(104, 104), stage(120, 120), stage(104, 0));
    assertThat(KeptPositions.forNewHead(near, 16)).containsExactly(new KeptSlot(3, 77, 104, 0));
    List<List<HeldSlot>> far = List.of(stage(104, 104), stage(121, 121), stage(104, 0));
    assertThat(KeptPositions.forNewHead(far, 16)).containsExactly(new KeptSlot(3, 77, 0, 0));
  }

  /** Against all subsets of stages, tried one by one. */
  @Property(tries = 300, shrinking = ShrinkingMode.OFF)
  void shouldSpareAsMuchAsAnyChoiceThatCanBeFed(@ForAll long seed) {
    Random random = new Random(seed);
    int count = 1 + random.nextInt(5);
    List<List<HeldSlot>> stages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int held = random.nextInt(5);
      stages.add(random.nextInt(4) == 0 ? NEW : stage(held, random.nextInt(held + 1)));
    }
    int best = 0;
    for (int positions = 1; positions < 5; positions++) {
      for (int rebuilt = 0; rebuilt < 1 << count; rebuilt++) {
        if (canBeFed(stages, positions, rebuilt)) {
          best = Math.max(best, positions * (count - Integer.bitCount(rebuilt)));
        }
      }
    }
    for (KeptSlot kept : KeptPositions.of(stages)) {
      assertThat(kept.positions() == 0 || canBeFed(stages, kept.positions(), kept.rebuilt()))
          .as("seed %d: %s of %s", seed, kept, stages)
          .isTrue();
      int spared = kept.positions() * (count - Integer.bitCount(kept.rebuilt()));
      assertThat(spared).as("seed %d: %s of %s", seed, kept, stages).isEqualTo(best);
    }
  }

  private static boolean canBeFed(List<List<HeldSlot>> stages, int positions, int rebuilt) {
    for (int k = 0; k < stages.size(); k++) {
      boolean rebuilds = (rebuilt >> k & 1) != 0;
      boolean feeds = k == 0 || (rebuilt >> (k - 1) & 1) != 0;
      int held = stages.get(k).stream().mapToInt(HeldSlot::held).sum();
      int logged = k == 0 ? 0 : stages.get(k - 1).stream().mapToInt(HeldSlot::logged).sum();
      if (rebuilds ? !feeds && logged < positions : held < positions) {
        return false;
      }
    }
    return true;
  }
}
