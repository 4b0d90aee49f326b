package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class MicroBatchTest {
  @Test
  void shouldCountRowsAndRowsOfLogits() {
    MicroBatch batch = new MicroBatch(4);
    batch.add(3, 0, 5, 0);
    batch.add(1, 7, 1, MicroBatch.LAST_LOGITS);
    batch.add(2, 0, 4, MicroBatch.ALL_LOGITS);
    batch.add(0, 9, 2, MicroBatch.ALL_LOGITS | MicroBatch.LAST_LOGITS);
    assertThat(batch.rows()).isEqualTo(12);
    assertThat(batch.logitRows()).isEqualTo(7);
    batch.flags(1, 0);
    assertThat(batch.logitRows()).isEqualTo(6);
    assertThatThrownBy(() -> batch.add(5, 0, 1, 0)).isInstanceOf(IllegalStateException.class);
    batch.clear();
    assertThat(batch.entries()).isZero();
    assertThat(batch.rows()).isZero();
    assertThat(batch.logitRows()).isZero();
  }

  @Test
  void shouldKeepTheFirstFailureAndTheRows() {
    MicroBatch batch = new MicroBatch(2);
    batch.add(0, 0, 3, MicroBatch.ALL_LOGITS);
    batch.fail(0, MicroBatch.NON_FINITE, 65_535);
    batch.fail(0, MicroBatch.SHARD_ERROR, 1);
    assertThat(batch.failed(0)).isTrue();
    assertThat(batch.failure(0)).isEqualTo(MicroBatch.NON_FINITE);
    assertThat(batch.failedStage(0)).isEqualTo(65_535);
    assertThat(batch.logitRows()).isEqualTo(3);
    MicroBatch received = new MicroBatch(1);
    received.add(0, 0, 3, batch.flags(0));
    assertThat(received.failure(0)).isEqualTo(MicroBatch.NON_FINITE);
  }

  @Test
  void shouldRefuseEntriesThatMakeNoSense() {
    MicroBatch batch = new MicroBatch(3);
    assertThatThrownBy(() -> batch.add(-1, 0, 1, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> batch.add(0, -1, 1, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> batch.add(0, 0, 0, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> batch.add(0, 2, Integer.MAX_VALUE, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> batch.slot(0)).isInstanceOf(IndexOutOfBoundsException.class);
  }
}
