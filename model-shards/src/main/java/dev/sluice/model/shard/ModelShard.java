package dev.sluice.model.shard;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvUsage;
import java.lang.foreign.MemorySegment;

/**
 * A range of a model's layers with the key/value cache of those layers. The first shard also holds
 * the embedding, the last one the final norm and the output head.
 *
 * <p>A step is {@link #reserve} and then {@link #forward} with the same batch. One thread at a time
 * uses a shard; {@link #kvUsage} may be called from any thread. Results depend, bit for bit, only
 * on the model and the tokens of each sequence: not on the batch's other members, the chunking, the
 * slot, the threads, or how layers are spread over shards.
 */
public interface ModelShard extends AutoCloseable {
  /** The model that the shard is part of. */
  ModelSpec spec();

  /** The layers of the shard. */
  LayerRange range();

  /** Whether the shard takes token ids. */
  default boolean isFirst() {
    return range().first() == 0;
  }

  /** Whether the shard gives logits. */
  default boolean isLast() {
    return range().end() == spec().layers();
  }

  /**
   * Sets room in the KV cache aside for every entry that has not failed. Entries for which there is
   * none, or whose positions reach beyond the model's context, are marked {@link
   * MicroBatch#NO_KV_PAGES}; the pages of the others stay theirs.
   *
   * @param batch the batch that is to go through {@link #forward} next; flags are updated
   * @param stage index of this shard's stage, for the marks
   * @throws IllegalArgumentException when the batch is larger than the shard's limits, or a slot is
   *     not below {@link ShardOptions#maxSequences}
   * @throws IllegalStateException when an entry does not go on where its slot's sequence stands
   */
  void reserve(MicroBatch batch, int stage);

  /**
   * Runs the layers over all rows of the entries that have not failed. Rows of failed entries are
   * left as they are in {@code output}. Entries with a NaN or infinite output row are marked {@link
   * MicroBatch#NON_FINITE}.
   *
   * <p>Both segments lie outside the heap. Where it throws, the sequences of the batch's entries
   * are spoilt: their later entries are marked {@link MicroBatch#SHARD_ERROR} until the slots are
   * released.
   *
   * @param batch entries, reserved before; flags are updated
   * @param stage index of this shard's stage, for the marks
   * @param input first shard: int32 token ids, {@code [rows]}; otherwise float32 activations,
   *     {@code [rows x embeddingLength]}; native byte order, 4-byte aligned
   * @param output last shard: float32 logits, {@code [logitRows x vocabularySize]}, in the order of
   *     the entries; otherwise activations, {@code [rows x embeddingLength]}. Must not overlap
   *     {@code input}
   * @throws IllegalArgumentException for a token id outside the vocabulary, named with slot and
   *     position, or a segment too small
   */
  void forward(MicroBatch batch, int stage, MemorySegment input, MemorySegment output);

  /**
   * How many positions of a slot's sequence are in the KV cache, from 0 on; 0 for a sequence that
   * has failed, and for a slot that holds nothing.
   */
  int positions(int slot);

  /**
   * Forgets what a slot's sequence has from a position on, so that it goes on there: with the same
   * bits as if it had never been further.
   *
   * @param positions what is kept, at most {@link #positions}
   * @throws IllegalArgumentException where the slot holds less
   */
  void truncate(int slot, int positions);

  /**
   * Gives a slot the first positions of another one's sequence, which it goes on from: with the
   * same bits as if it had computed them. Both share the pages as far as they are full.
   *
   * @param from the slot that has them
   * @param to a slot that holds nothing
   * @throws IllegalArgumentException where the one has fewer positions, or the other has any
   * @throws UnsupportedOperationException from a shard whose sequences cannot share
   */
  default void share(int from, int to, int positions) {
    throw new UnsupportedOperationException("the sequences of this shard share nothing");
  }

  /** Forgets the sequence of a slot and frees its pages. A slot that holds nothing is fine. */
  void release(int slot);

  /**
   * Bytes of the keys and values of one position in all layers of the shard, as {@link #copyKv}
   * gives them; 0 for a shard that cannot give them.
   */
  default long kvRowBytes() {
    return 0;
  }

  /**
   * Copies keys and values of positions, as they are stored, to the beginning of {@code target}:
   * for each position a row of {@link #kvRowBytes} bytes, which {@link #restoreKv} of a shard with
   * the same model, range and type of KV cache takes.
   *
   * @throws IndexOutOfBoundsException where the slot holds fewer, or the target has no room
   */
  default void copyKv(int slot, int position, int count, MemorySegment target) {
    throw new UnsupportedOperationException("this shard does not give its keys and values");
  }

  /**
   * Goes on with positions that a shard like this one computed, behind those that are here: with
   * the same bits as if they had been computed here.
   *
   * @param source rows as {@link #copyKv} gives them, from {@code offset} bytes on
   * @return false where there is no room; then nothing has changed
   * @throws IndexOutOfBoundsException where the source has fewer rows
   */
  default boolean restoreKv(int slot, int count, MemorySegment source, long offset) {
    throw new UnsupportedOperationException("this shard does not take keys and values");
  }

  /** The state of the KV cache. */
  KvUsage kvUsage();

  /** Frees memory. The shard must not be used any more; a second call does nothing. */
  @Override
  void close();
}
