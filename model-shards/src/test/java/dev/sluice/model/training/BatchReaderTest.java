package dev.sluice.model.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class BatchReaderTest {
  private static TokenDataset data(Random random, int documents, int longest) {
    TokenDataset.Builder builder = TokenDataset.builder(1 << 20);
    int next = 0;
    for (int d = 0; d < documents; d++) {
      int[] ids = new int[2 + random.nextInt(longest)];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = next++;
      }
      builder.add(ids, null);
    }
    return builder.build();
  }

  @Property(tries = 200)
  void shouldPredictEachTokenOnceInAnEpoch(
      @ForAll @IntRange(min = 1, max = 30) int documents,
      @ForAll @IntRange(min = 1, max = 60) int longest,
      @ForAll @IntRange(min = 1, max = 20) int sequence,
      @ForAll @IntRange(min = 0, max = 40) int more,
      @ForAll long seed) {
    TokenDataset data = data(new Random(seed), documents, longest);
    BatchReader reader = BatchReader.shuffled(data, sequence, seed);
    Batch batch = new Batch(sequence + more);
    int[] seen = new int[(int) data.tokens()];
    while (reader.epoch() == 0) {
      reader.next(batch);
      assertThat(batch.count()).isPositive();
      for (int p = 0; p < batch.pieces(); p++) {
        assertThat(batch.length(p)).isBetween(1, sequence);
        for (int i = 0; i < batch.length(p); i++) {
          int at = batch.start(p) + i;
          assertThat(batch.position(at)).isEqualTo(i);
          assertThat(batch.target(at)).isEqualTo(batch.id(at) + 1);
          seen[batch.target(at)]++;
        }
      }
    }
    // The last batch may hold the beginning of the next epoch, or more than one.
    int least = Integer.MAX_VALUE;
    int most = 0;
    for (int d = 0; d < data.documents(); d++) {
      assertThat(seen[data.start(d)]).isZero();
      for (int i = 1; i < data.length(d); i++) {
        least = Math.min(least, seen[data.start(d) + i]);
        most = Math.max(most, seen[data.start(d) + i]);
      }
    }
    assertThat(least).isPositive();
    assertThat(most).isBetween(least, least + 1);
  }

  @Property(tries = 100)
  void shouldGoOnFromAnyPlace(
      @ForAll @IntRange(min = 1, max = 12) int documents,
      @ForAll @IntRange(min = 0, max = 30) int batches,
      @ForAll long seed) {
    TokenDataset data = data(new Random(seed), documents, 40);
    BatchReader straight = BatchReader.shuffled(data, 8, seed);
    Batch batch = new Batch(20);
    for (int i = 0; i < batches; i++) {
      straight.next(batch);
    }
    BatchReader resumed = BatchReader.shuffled(data, 8, seed);
    resumed.seek(straight.epoch(), straight.document(), straight.offset());
    for (int i = 0; i < 20; i++) {
      assertThat(targets(resumed)).isEqualTo(targets(straight));
    }
  }

  private static List<Integer> targets(BatchReader reader) {
    Batch batch = new Batch(20);
    reader.next(batch);
    List<Integer> targets = new ArrayList<>();
    for (int i = 0; i < batch.count(); i++) {
      targets.add(batch.target(i));
    }
    return targets;
  }
}
