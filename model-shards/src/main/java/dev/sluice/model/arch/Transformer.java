package dev.sluice.model.arch;

import dev.sluice.model.cache.KvCache;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.Activations;
import dev.sluice.model.kernel.Attention;
import dev.sluice.model.kernel.Elementwise;
import dev.sluice.model.kernel.KvLayout;
import dev.sluice.model.kernel.Norms;
import dev.sluice.model.kernel.Rope;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.ScaledAdapter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a range of layers over rows of activations, the same for all architectures:
 * what a layer has not, it skips.
 *
 * <p>Matrix products run over all rows at once; everything else row by row. No row's result depends
 * on which other rows are there, so batches may be cut as one likes. All buffers are outside the
 * heap and made once; a pass allocates nothing.
 *
 * <p>Use: {@link #clear}, {@link #addRow} for each row, then {@link #embed} or filling {@link
 * #activations}, then {@link #layers}, then {@link #logits} for the rows that want them. For one
 * thread at a time; the pool's threads help. Closing frees the buffers; file, cache and pool belong
 * to the caller and must outlive this.
 */
public final class Transformer implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private final ModelSpec spec;
  private final KvCache cache;
  private final WorkerPool pool;
  private final Arena arena;
  private final Layer[] layers;
  private final @Nullable Embedding embedding;
  private final @Nullable Head head;
  private final Attention attention;
  private final int keysAt;
  private final int valuesAt;
  private final int qkvLength;
  private final int attendedLength;
  private final int hiddenLength;

  // The rows of the pass.
  private final int[] slots;
  private final int[] positions;
  private int rows;

  // The layer at work and its index in the cache.
  private Layer layer;
  private int layerIndex;

  private final MemorySegment x; // [rows x embedding]: the residual stream
  private final MemorySegment h; // [rows x embedding]: normalized
  private final MemorySegment y; // [rows x embedding]: what a part adds to the stream
  private final MemorySegment qkv; // [rows x qkvLength]
  private final MemorySegment attended; // [rows x heads * valueLength]
  private final MemorySegment hidden; // [rows x hiddenLength]

  private final RowLoop normEach;
  private final RowLoop prepareEach;
  private final RowLoop attendEach;
  private final RowLoop joinAttentionEach;
  private final RowLoop activateEach;
  private final RowLoop joinFeedForwardEach;

  /**
   * Loads layers.
   *
   * @param first index of the first layer; with 0, the embedding is loaded too
   * @param end index after the last layer; at the model's end, norm and head are loaded too
   * @param layout layout of the cache's pages
   * @param cache keys and values of these layers
   * @param maxRows rows of a pass
   * @param contextTokens positions of the longest sequence
   * @param adapters added to the layers' matrices; they fit the file
   * @throws dev.sluice.model.gguf.ModelFileException for a missing or misshapen tensor
   */
  @SuppressWarnings("MustBeClosedChecker") // The transformer owns the arena and closes it.
  public static Transformer load(
      GgufFile file,
      ModelSpec spec,
      int first,
      int end,
      KvLayout layout,
      KvCache cache,
      int maxRows,
      int contextTokens,
      List<ScaledAdapter> adapters,
      WorkerPool pool) {
    Arena arena = Arena.ofShared();
    try {
      return new Transformer(
          file, spec, first, end, layout, cache, maxRows, contextTokens, adapters, pool, arena);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  private Transformer(
      GgufFile file,
      ModelSpec spec,
      int first,
      int end,
      KvLayout layout,
      KvCache cache,
      int maxRows,
      int contextTokens,
      List<ScaledAdapter> adapters,
      WorkerPool pool,
      Arena arena) {
    this.spec = spec;
    this.cache = cache;
    this.pool = pool;
    this.arena = arena;
    TensorLoader tensors = new TensorLoader(file, arena, adapters, pool);
    Ropes ropes = Ropes.load(file, tensors, spec, contextTokens);
    embedding = first == 0 ? Embedding.load(tensors, spec) : null;
    layers = new Layer[end - first];
    for (int i = 0; i < layers.length; i++) {
      layers[i] = Layer.load(tensors, spec, first + i, ropes.of(spec, first + i));
    }
    layer = layers[0];
    tensors.adapterWork().allocate(arena, maxRows);
    head = end == spec.layers() ? Head.load(tensors, spec) : null;
    attention = new Attention(layout, spec.heads(), spec.attentionScale(), spec.attentionSoftCap());

    keysAt = spec.queryLength();
    valuesAt = keysAt + spec.keysLength();
    qkvLength = valuesAt + spec.valuesLength();
    attendedLength = spec.heads() * spec.valueLength();
    hiddenLength = (spec.gated() ? 2 : 1) * spec.feedForwardLength();
    slots = new int[maxRows];
    positions = new int[maxRows];
    x = floats(maxRows, spec.embeddingLength());
    h = floats(maxRows, spec.embeddingLength());
    y = floats(maxRows, spec.embeddingLength());
    qkv = floats(maxRows, qkvLength);
    attended = floats(maxRows, attendedLength);
    hidden = floats(maxRows, hiddenLength);

    normEach = new RowLoop(pool, this::norm);
    prepareEach = new RowLoop(pool, this::prepare);
    attendEach = new RowLoop(pool, this::attend);
    joinAttentionEach = new RowLoop(pool, this::joinAttention);
    activateEach = new RowLoop(pool, this::activate);
    joinFeedForwardEach = new RowLoop(pool, this::joinFeedForward);
  }

  private MemorySegment floats(long rowCount, long length) {
    return arena.allocate(rowCount * length * Float.BYTES, ALIGNMENT);
  }

  /** Forgets the rows of the last pass. */
  public void clear() {
    rows = 0;
  }

  /**
   * Adds a row: the token of a sequence at a position. The cache must have room for it; rows of a
   * sequence come in the order of their positions and each position once.
   */
  public void addRow(int slot, int position) {
    slots[rows] = slot;
    positions[rows] = position;
    rows++;
  }

  /** The number of rows of the pass. */
  public int rows() {
    return rows;
  }

  /**
   * The residual stream {@code [maxRows x embeddingLength]}: input and result of {@link #layers}.
   */
  public MemorySegment activations() {
    return x;
  }

  /**
   * Fills {@link #activations} with the embeddings of tokens.
   *
   * @param tokens one id a row, each inside the vocabulary
   */
  public void embed(int[] tokens) {
    if (embedding == null) {
      throw new IllegalStateException("these layers are not the first: there is no embedding");
    }
    for (int row = 0; row < rows; row++) {
      embedding.write(tokens[row], positions[row], x, at(row, spec.embeddingLength()), h);
    }
  }

  /** Runs all layers over {@link #activations}, in place, and stores the rows' keys and values. */
  public void layers() {
    for (int i = 0; i < layers.length; i++) {
      layer = layers[i];
      layerIndex = i;
      attentionBlock();
      feedForwardBlock();
    }
  }

  /** {@code x += attention(norm(x))}. */
  private void attentionBlock() {
    // h = norm(x)                               [rows x embedding]
    normEach.over(rows);
    // q, k, v = Wq h, Wk h, Wv h                [rows x (heads + kvHeads) * keyLength + kvHeads *
    // valueLength]
    layer.qkv().multiply(pool, h, spec.embeddingLength(), rows, qkv);
    // q, k normalized by head and turned by position; k, v stored
    prepareEach.over(rows);
    // softmax(q K^T) V by key head              [rows x heads * valueLength]
    attendEach.over(rows * spec.kvHeads());
    // y = Wo attended                           [rows x embedding]
    layer.attentionOutput().multiply(pool, attended, attendedLength, rows, y);
    // x += postNorm(y), h = norm(x)
    joinAttentionEach.over(rows);
  }

  /** {@code x += feedForward(norm(x))}, where {@code h} is {@code norm(x)} already. */
  private void feedForwardBlock() {
    // gate, up = Wgate h, Wup h                 [rows x 2 * feedForward], or up alone
    layer.gateUp().multiply(pool, h, spec.embeddingLength(), rows, hidden);
    // act(gate) * up in the gate's place, or act(up)
    activateEach.over(rows);
    // y = Wdown hidden                          [rows x embedding]
    layer.down().multiply(pool, hidden, hiddenLength, rows, y);
    // x += postNorm(y)
    joinFeedForwardEach.over(rows);
  }

  private void norm(int row) {
    long at = at(row, spec.embeddingLength());
    layer.attentionNorm().apply(x, at, h, at);
  }

  private void prepare(int row) {
    long query = at(row, qkvLength);
    long key = query + keysAt;
    long value = query + valuesAt;
    layer.qkv().finish(row, qkv, query);
    MemorySegment queryNorm = layer.queryNorm();
    if (queryNorm != null) {
      Norms.rmsNormHeads(qkv, query, spec.heads(), spec.keyLength(), queryNorm, spec.normEpsilon());
    }
    MemorySegment keyNorm = layer.keyNorm();
    if (keyNorm != null) {
      Norms.rmsNormHeads(qkv, key, spec.kvHeads(), spec.keyLength(), keyNorm, spec.normEpsilon());
    }
    Rope rope = layer.rope();
    if (rope != null) {
      rope.apply(qkv, query, spec.heads(), spec.keyLength(), positions[row]);
      rope.apply(qkv, key, spec.kvHeads(), spec.keyLength(), positions[row]);
    }
    cache.store(slots[row], layerIndex, positions[row], qkv, key, qkv, value);
  }

  private void attend(int rowAndHead) {
    int row = rowAndHead / spec.kvHeads();
    int kvHead = rowAndHead % spec.kvHeads();
    int position = positions[row];
    attention.attend(
        cache,
        slots[row],
        layerIndex,
        kvHead,
        Math.max(0, position - layer.window() + 1),
        position,
        qkv,
        at(row, qkvLength),
        attended,
        at(row, attendedLength));
  }

  private void joinAttention(int row) {
    long at = at(row, spec.embeddingLength());
    join(layer.attentionOutput(), layer.postAttentionNorm(), row, at);
    layer.feedForwardNorm().apply(x, at, h, at);
  }

  private void activate(int row) {
    long gate = at(row, hiddenLength);
    int length = spec.feedForwardLength();
    layer.gateUp().finish(row, hidden, gate);
    boolean gated = spec.gated();
    switch (spec.activation()) {
      case SILU -> {
        if (gated) {
          Activations.siluGate(hidden, gate, hidden, gate + length, length);
        } else {
          Activations.silu(hidden, gate, length);
        }
      }
      case GELU_TANH -> {
        if (gated) {
          Activations.geluTanhGate(hidden, gate, hidden, gate + length, length);
        } else {
          Activations.geluTanh(hidden, gate, length);
        }
      }
    }
  }

  private void joinFeedForward(int row) {
    join(layer.down(), layer.postFeedForwardNorm(), row, at(row, spec.embeddingLength()));
  }

  private void join(Projection part, @Nullable Norm postNorm, int row, long at) {
    part.finish(row, y, at);
    if (postNorm != null) {
      postNorm.apply(y, at, y, at);
    }
    Elementwise.add(y, at, x, at, spec.embeddingLength());
  }

  /**
   * Computes logits of some rows, after {@link #layers}.
   *
   * @param wanted rows of {@link #activations}
   * @param count how many of {@code wanted} count
   * @param output the logits {@code [count x vocabularySize]}, from {@code offset} floats on
   */
  public void logits(int[] wanted, int count, MemorySegment output, long offset) {
    if (head == null) {
      throw new IllegalStateException("these layers are not the last: there is no head");
    }
    head.logits(pool, x, wanted, count, h, output, offset);
  }

  private static long at(int row, int length) {
    return (long) row * length;
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
