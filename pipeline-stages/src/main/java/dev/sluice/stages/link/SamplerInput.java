package dev.sluice.stages.link;

import akka.NotUsed;
import akka.stream.javadsl.Source;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.OneToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Where the last shard's thread meets the sampling stream: a bounded queue one way, empty logits
 * buffers the other. Neither side ever waits: where there is no buffer or no room, the shard's
 * thread gets null or false and leaves the frame on the link, which is the back-pressure.
 *
 * <p>{@link #tryAcquire}, {@link #publish}, {@link #giveBack}, {@link #tryOpen}, {@link #tryClose},
 * {@link #complete} and {@link #fail} are for the shard's thread. {@link #source} can be
 * materialized once. Whoever made it closes it, after the stream has ended and the shard's thread
 * has let go of its buffers.
 */
public final class SamplerInput implements AutoCloseable {
  /** Most rows of logits in a micro-batch: what a {@code SampledTokens} message can count. */
  public static final int MAX_ROWS = 65_534;

  private static final int ALIGNMENT = 64;

  private final Arena arena = Arena.ofShared();
  private final int maxControls;
  private final OneToOneConcurrentArrayQueue<LogitsBuffer> free;
  private final OneToOneConcurrentArrayQueue<SamplerWork> work;
  private final AtomicReference<@Nullable Runnable> waiting = new AtomicReference<>();
  private final AtomicBoolean materialized = new AtomicBoolean();
  private @Nullable LogitsBuffer givenBack; // of the shard's thread
  private volatile boolean ended;
  private volatile @Nullable Throwable failure;

  /**
   * Allocates the buffers.
   *
   * @param buffers how many micro-batches may be on their way to the sampler; two let it work while
   *     the shard does
   * @param maxEntries entries of a micro-batch
   * @param maxLogitRows rows of logits of a micro-batch
   * @param vocabularySize length of a row
   * @param maxControls how many openings and closings may be on their way
   */
  public SamplerInput(
      int buffers, int maxEntries, int maxLogitRows, int vocabularySize, int maxControls) {
    if (buffers < 1 || maxControls < 1 || vocabularySize < 1) {
      throw new IllegalArgumentException(
          "%d buffers, %d controls, vocabulary of %d: each must be at least 1"
              .formatted(buffers, maxControls, vocabularySize));
    }
    if (maxLogitRows < 1 || maxLogitRows > MAX_ROWS) {
      throw new IllegalArgumentException(
          maxLogitRows + " rows of logits: must be from 1 to " + MAX_ROWS);
    }
    this.maxControls = maxControls;
    free = new OneToOneConcurrentArrayQueue<>(buffers);
    work = new OneToOneConcurrentArrayQueue<>(buffers + maxControls);
    long bytes = (long) maxLogitRows * vocabularySize * Float.BYTES;
    try {
      for (int i = 0; i < buffers; i++) {
        free.add(new LogitsBuffer(this, maxEntries, arena.allocate(bytes, ALIGNMENT)));
      }
    } catch (OutOfMemoryError | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  /** An empty buffer, its batch cleared; null when all are on their way. */
  public @Nullable LogitsBuffer tryAcquire() {
    LogitsBuffer buffer = givenBack;
    givenBack = null;
    if (buffer == null) {
      buffer = free.poll();
    }
    if (buffer != null) {
      buffer.batch().clear();
    }
    return buffer;
  }

  /**
   * Returns the buffer acquired last without publishing it.
   *
   * @throws IllegalStateException when one was returned already
   */
  public void giveBack(LogitsBuffer buffer) {
    if (givenBack != null) {
      throw new IllegalStateException("a second buffer is given back; one at a time is acquired");
    }
    givenBack = buffer;
  }

  /** Hands over a micro-batch that has been through the last shard. There is always room for it. */
  public void publish(LogitsBuffer buffer, int epoch, long microBatch) {
    buffer.number(epoch, microBatch);
    if (!work.offer(buffer)) {
      throw new IllegalStateException("no room for a buffer of the pool");
    }
    wake();
  }

  /**
   * Hands over the opening of a sequence.
   *
   * @param payload of the OPEN frame, copied
   * @return false where there is no room now
   */
  public boolean tryOpen(int epoch, int slot, DirectBuffer payload, int offset, int length) {
    if (work.size() >= maxControls) {
      return false;
    }
    byte[] copy = new byte[length];
    payload.getBytes(offset, copy);
    return offer(new SamplerWork.Opened(epoch, slot, copy));
  }

  /**
   * Hands over the end of sequences.
   *
   * @param slots the first {@code count} are copied
   * @return false where there is no room now
   */
  public boolean tryClose(int epoch, long microBatch, int[] slots, int count) {
    return work.size() < maxControls
        && offer(new SamplerWork.Closed(epoch, microBatch, Arrays.copyOf(slots, count)));
  }

  // A buffer always finds room: controls are taken only while fewer than maxControls wait.
  private boolean offer(SamplerWork control) {
    boolean taken = work.offer(control);
    if (taken) {
      wake();
    }
    return taken;
  }

  /** Ends the stream, behind what was handed over. */
  public void complete() {
    ended = true;
    wake();
  }

  /** Fails the stream, behind what was handed over. */
  public void fail(Throwable cause) {
    failure = cause;
    ended = true;
    wake();
  }

  /** What is handed over, in order. */
  public Source<SamplerWork, NotUsed> source() {
    return Source.fromGraph(new SamplerSource(this));
  }

  /** Frees the buffers' memory; nobody may touch them any more. */
  @Override
  public void close() {
    arena.close();
  }

  private void wake() {
    Runnable stage = waiting.getAndSet(null);
    if (stage != null) {
      stage.run();
    }
  }

  // The stream's side.

  /** False when it was materialized before. */
  boolean materialize() {
    return materialized.compareAndSet(false, true);
  }

  @Nullable SamplerWork poll() {
    return work.poll();
  }

  /** Asks for one call when something may have come. Look once more after asking. */
  void await(Runnable stage) {
    waiting.set(stage);
  }

  void awaitNoMore() {
    waiting.set(null);
  }

  boolean ended() {
    return ended;
  }

  @Nullable Throwable failure() {
    return failure;
  }

  void recycle(LogitsBuffer buffer) {
    free.add(buffer);
  }
}
