package dev.sluice.actors;

import dev.sluice.model.shard.MicroBatch;
import dev.sluice.transport.Frame;
import java.lang.foreign.MemorySegment;

/** Where a {@link ShardRunner} puts what it computed. For the runner's thread. */
interface StageOutput {
  /**
   * Sees to it that there is room for one frame.
   *
   * @return false where there is none now: then nothing may be taken from the inbound link
   */
  boolean acquire();

  /** The batch to fill; valid after {@link #acquire}. */
  MicroBatch batch();

  /** Where the shard writes; valid after {@link #acquire}. */
  MemorySegment buffer();

  /** The micro-batch is computed: batch and buffer are to be sent on. */
  void publish(int epoch, long microBatch);

  /**
   * A replayed micro-batch has passed: the batch is to be sent on.
   *
   * @param rows whether the buffer has rows for the next stage
   */
  void replay(int epoch, long microBatch, boolean rows);

  /**
   * Sends an OPEN on.
   *
   * @return false where there is no room now; the frame is offered again later
   */
  boolean open(Frame frame);

  /**
   * Sends a CLOSE on.
   *
   * @return false where there is no room now; the frame is offered again later
   */
  boolean close(Frame frame);

  /**
   * Sends what waits to be sent.
   *
   * @return whether nothing waits any more
   * @throws IllegalStateException when the link is closed
   */
  boolean flush();
}
