package dev.sluice.actors;

import dev.sluice.actors.placement.FakePlans;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.stages.grammar.TokenVocabulary;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntConsumer;

/**
 * Shards of a model that takes no time: activations carry the token, and the next token is {@link
 * #next} of it. Tests look into them, and put hooks into them that wait or throw.
 */
final class FakeShards implements ShardFactory {
  static final int WIDTH = 4;
  static final int VOCABULARY = 50;
  static final int CONTEXT = 4096;
  static final long KV_ROW_BYTES = 8;

  /** Called on the stage's thread. */
  interface Hook {
    void on(int stage, int slot, int position, int token);
  }

  private final int stages;
  final Map<Integer, FakeShard> shards = new ConcurrentHashMap<>();
  final List<Integer> loads = new CopyOnWriteArrayList<>();
  volatile Hook onRow = (_, _, _, _) -> {};
  volatile IntConsumer onForward = _ -> {};
  volatile Hook onRelease = (_, _, _, _) -> {};
  volatile Hook onRestore = (_, _, _, _) -> {};

  FakeShards(int stages) {
    this.stages = stages;
  }

  static int next(int token) {
    return (token * 7 + 3) % VOCABULARY;
  }

  static ModelShape shape() {
    return new ModelShape(WIDTH, VOCABULARY, CONTEXT);
  }

  ShardPlan plan() {
    return FakePlans.uniform(stages);
  }

  @Override
  public ModelShard load(ShardOptions options) {
    int stage = options.range().first();
    loads.add(stage);
    FakeShard shard = new FakeShard(stage, options);
    shards.put(stage, shard);
    return shard;
  }

  @Override
  public TokenVocabulary vocabulary() {
    return TokenVocabulary.of(new LetterTokenizer(VOCABULARY));
  }

  int usedPages() {
    return shards.values().stream().mapToInt(s -> s.kvUsage().usedPages()).sum();
  }

  /** One layer: layer i is stage i. */
  final class FakeShard implements ModelShard {
    private final int stage;
    private final ShardOptions options;
    private final Map<Integer, Integer> lengths = new ConcurrentHashMap<>();

    /** By slot and position: the tokens are the keys and values. */
    private final int[][] tokens;

    volatile boolean closed;

    FakeShard(int stage, ShardOptions options) {
      this.stage = stage;
      this.options = options;
      tokens = new int[options.maxSequences()][CONTEXT];
    }

    @Override
    public ModelSpec spec() {
      throw new UnsupportedOperationException("a fake has no model");
    }

    @Override
    public LayerRange range() {
      return options.range();
    }

    @Override
    public void reserve(MicroBatch batch, int ofStage) {
      for (int i = 0; i < batch.entries(); i++) {
        if (!batch.failed(i)) {
          int length = lengths.getOrDefault(batch.slot(i), 0);
          if (length != batch.startPosition(i)) {
            throw new IllegalStateException(
                "slot "
                    + batch.slot(i)
                    + " goes on at "
                    + length
                    + ", not "
                    + batch.startPosition(i));
          }
          lengths.put(batch.slot(i), length + batch.tokenCount(i));
        }
      }
    }

    @Override
    public void forward(MicroBatch batch, int ofStage, MemorySegment input, MemorySegment output) {
      onForward.accept(stage);
      boolean first = stage == 0;
      boolean last = stage == stages - 1;
      int row = 0;
      int logitRow = 0;
      for (int i = 0; i < batch.entries(); i++) {
        int wanted = batch.logitRows(i);
        for (int t = 0; t < batch.tokenCount(i); t++, row++) {
          int token =
              first
                  ? input.getAtIndex(ValueLayout.JAVA_INT, row)
                  : (int) input.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * WIDTH);
          if (!batch.failed(i)) {
            tokens[batch.slot(i)][batch.startPosition(i) + t] = token;
            onRow.on(stage, batch.slot(i), batch.startPosition(i) + t, token);
          }
          if (!last) {
            output.setAtIndex(ValueLayout.JAVA_FLOAT, (long) row * WIDTH, token);
          } else if (t >= batch.tokenCount(i) - wanted) {
            for (int v = 0; v < VOCABULARY; v++) {
              float logit = v == next(token) ? 5 : 0;
              output.setAtIndex(ValueLayout.JAVA_FLOAT, (long) logitRow * VOCABULARY + v, logit);
            }
            logitRow++;
          }
        }
      }
    }

    @Override
    public int positions(int slot) {
      return lengths.getOrDefault(slot, 0);
    }

    @Override
    public void truncate(int slot, int positions) {
      if (positions > positions(slot)) {
        throw new IllegalArgumentException(
            "slot " + slot + " holds " + positions(slot) + ", not " + positions);
      }
      lengths.put(slot, positions);
    }

    @Override
    public void share(int from, int to, int positions) {
      System.arraycopy(tokens[from], 0, tokens[to], 0, positions);
      lengths.put(to, positions);
    }

    @Override
    public void release(int slot) {
      onRelease.on(stage, slot, 0, 0);
      lengths.remove(slot);
    }

    @Override
    public long kvRowBytes() {
      return KV_ROW_BYTES;
    }

    @Override
    public void copyKv(int slot, int position, int count, MemorySegment target) {
      for (int i = 0; i < count; i++) {
        target.setAtIndex(ValueLayout.JAVA_INT, 2L * i, tokens[slot][position + i]);
        target.setAtIndex(ValueLayout.JAVA_INT, 2L * i + 1, position + i);
      }
    }

    @Override
    public boolean restoreKv(int slot, int count, MemorySegment source, long offset) {
      int length = positions(slot);
      for (int i = 0; i < count; i++) {
        long at = offset + i * KV_ROW_BYTES;
        int token = source.get(ValueLayout.JAVA_INT, at);
        int position = source.get(ValueLayout.JAVA_INT, at + Integer.BYTES);
        if (position != length + i) {
          throw new IllegalStateException("position " + position + " came as " + (length + i));
        }
        tokens[slot][position] = token;
        onRestore.on(stage, slot, position, token);
      }
      lengths.put(slot, length + count);
      return true;
    }

    @Override
    public KvUsage kvUsage() {
      int used =
          lengths.values().stream().mapToInt(n -> Math.ceilDiv(n, options.pageTokens())).sum();
      int total = Math.ceilDiv(options.kvTokens(), options.pageTokens());
      long pageBytes = options.pageTokens() * KV_ROW_BYTES;
      return new KvUsage(used, total, options.pageTokens(), used * pageBytes, total * pageBytes);
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
