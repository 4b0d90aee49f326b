package dev.sluice.actors.weights;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides which pieces to ask of which source, until all wanted chunks are there: a plain state
 * machine, for one thread, with its clock given to it.
 *
 * <p>A chunk comes whole from one source, so a chunk whose hash is wrong tells who lied: that
 * source is struck off. A piece that does not come is asked for again, then the chunk is tried
 * elsewhere. A source owes at most a window of pieces, so nothing piles up anywhere. Without one
 * more chunk for a stated time the fetch has failed.
 *
 * @param <S> what a source is known by
 */
final class ChunkFetch<S> {
  /** Stands for the manifest, which is fetched as chunks are. */
  static final int MANIFEST = -1;

  /** Sources beyond these are not looked at. */
  private static final int MAX_SOURCES = 256;

  private static final int MOST_DOUBLINGS = 4;

  /** What a fetch asks for, and where bytes go. */
  interface Output<S> {
    void look(S source);

    void ask(S source, long request, int chunk, int offset, int length);

    /** The length of a chunk. */
    int length(int chunk);

    /** Takes a chunk, or the manifest; false if its hash is wrong. */
    boolean take(int chunk, ByteBuffer bytes);
  }

  /** What is known of a source. */
  private static final class Source {
    private BitSet chunks = new BitSet();
    private int manifestBytes;
    private int owed;
    private int failures;
    private long lookedAt;
    private long restsUntil;
    private boolean struckOff;
    private boolean gave;
  }

  /** A chunk in the making. */
  private final class Making {
    private final int chunk;
    private final S from;
    private final ByteBuffer bytes;
    private final BitSet received = new BitSet();
    private int nextPiece;

    Making(int chunk, S from, int length) {
      this.chunk = chunk;
      this.from = from;
      this.bytes = ByteBuffer.allocate(length);
    }

    int pieces() {
      return Math.ceilDiv(bytes.capacity(), settings.pieceBytes());
    }

    int pieceLength(int piece) {
      return Math.min(settings.pieceBytes(), bytes.capacity() - piece * settings.pieceBytes());
    }
  }

  private record Asked(int chunk, int piece, int attempt, long deadline) {}

  private final TransferSettings settings;
  private final ByteBudget budget;
  private final LongSupplier nanos;
  private final Output<S> output;
  private final Map<S, Source> sources = new LinkedHashMap<>();
  private final BitSet wanted = new BitSet();
  private boolean manifestWanted;
  private final Map<Integer, Making> making = new TreeMap<>();
  private final Map<Long, Asked> asked = new LinkedHashMap<>();
  private long lastRequest;
  private long lastTaken;
  private int struckOff;
  private int lost;

  ChunkFetch(TransferSettings settings, ByteBudget budget, LongSupplier nanos, Output<S> output) {
    this.settings = settings;
    this.budget = budget;
    this.nanos = nanos;
    this.output = output;
    this.lastTaken = nanos.getAsLong();
  }

  /** Wants the manifest. */
  void wantManifest() {
    manifestWanted = true;
    step();
  }

  /** Wants chunks, in addition to those wanted before. */
  void want(BitSet chunks) {
    wanted.or(chunks);
    step();
  }

  /** Whether nothing is wanted any longer. */
  boolean done() {
    return making.isEmpty() && wanted.isEmpty() && !manifestWanted;
  }

  /** A source that may have something. */
  void sourceFound(S name) {
    if (!sources.containsKey(name) && sources.size() < MAX_SOURCES) {
      Source source = new Source();
      source.lookedAt = nanos.getAsLong();
      source.restsUntil = source.lookedAt;
      sources.put(name, source);
      output.look(name);
    }
  }

  /** A source that is no longer there. */
  void sourceLost(S name) {
    Source source = sources.remove(name);
    if (source != null) {
      lost++;
      release(name);
      step();
    }
  }

  /** What a source says it has. */
  void inventory(S name, int manifestBytes, BitSet chunks) {
    Source source = sources.get(name);
    if (source != null) {
      source.manifestBytes = manifestBytes;
      source.chunks = chunks;
      step();
    }
  }

  /** A piece came; from whom and of what says its number. */
  void piece(long request, byte[] bytes) {
    Asked ask = asked.remove(request);
    if (ask == null) {
      return; // late: it was asked for again, or its source is struck off
    }
    Making chunk = making.get(ask.chunk());
    if (chunk == null) {
      return;
    }
    Source source = sources.get(chunk.from);
    if (source == null) {
      return;
    }
    source.owed--;
    if (bytes.length != chunk.pieceLength(ask.piece())) {
      strikeOff(chunk.from, source);
    } else {
      chunk.bytes.put(ask.piece() * settings.pieceBytes(), bytes);
      chunk.received.set(ask.piece());
      if (chunk.received.cardinality() == chunk.pieces()) {
        finish(chunk, source);
      }
    }
    step();
  }

  private void finish(Making chunk, Source source) {
    making.remove(chunk.chunk);
    if (output.take(chunk.chunk, chunk.bytes.clear())) {
      lastTaken = nanos.getAsLong();
      source.failures = 0;
      source.gave = true;
    } else {
      wantAgain(chunk.chunk);
      strikeOff(chunk.from, source);
    }
  }

  /** A source has not what was asked for, or cannot read it. */
  void refused(long request, WeightAnswer.Reason reason) {
    Asked ask = asked.remove(request);
    Making chunk = ask == null ? null : making.get(ask.chunk());
    Source source = chunk == null ? null : sources.get(chunk.from);
    if (chunk != null && source != null) {
      source.owed--;
      switch (reason) {
        case NOT_HERE -> {
          if (chunk.chunk == MANIFEST) {
            source.manifestBytes = 0;
          } else {
            source.chunks.clear(chunk.chunk);
          }
          giveUp(chunk);
        }
        case FAILED -> fail(chunk.from, source);
      }
      step();
    }
  }

  /**
   * To be called several times a second.
   *
   * @return what went wrong, if there is no hope left
   */
  @Nullable String tick() {
    long now = nanos.getAsLong();
    for (var entry : List.copyOf(asked.entrySet())) {
      Asked ask = entry.getValue();
      if (now - ask.deadline() >= 0 && asked.remove(entry.getKey()) != null) {
        late(ask);
      }
    }
    for (var entry : sources.entrySet()) {
      Source source = entry.getValue();
      if (!source.struckOff && now - source.lookedAt >= settings.lookAgain().toNanos()) {
        source.lookedAt = now;
        output.look(entry.getKey());
      }
    }
    step();
    return !done() && now - lastTaken >= settings.patience().toNanos() ? hopeless() : null;
  }

  private void late(Asked ask) {
    Making chunk = making.get(ask.chunk());
    Source source = chunk == null ? null : sources.get(chunk.from);
    if (chunk == null || source == null) {
      return;
    }
    source.owed--;
    if (ask.attempt() < settings.attempts()) {
      ask(chunk, source, ask.piece(), ask.attempt() + 1);
    } else {
      fail(chunk.from, source);
    }
  }

  /** Leaves a source alone for a while. */
  private void fail(S name, Source source) {
    int doublings = Math.min(source.failures, MOST_DOUBLINGS);
    source.failures++;
    source.restsUntil = nanos.getAsLong() + (settings.rest().toNanos() << doublings);
    release(name);
  }

  private void strikeOff(S name, Source source) {
    source.struckOff = true;
    struckOff++;
    release(name);
  }

  /** Takes back all chunks that come from a source. */
  private void release(S name) {
    for (Making chunk : List.copyOf(making.values())) {
      if (chunk.from.equals(name)) {
        giveUp(chunk);
      }
    }
  }

  private void giveUp(Making chunk) {
    making.remove(chunk.chunk);
    wantAgain(chunk.chunk);
    Source source = sources.get(chunk.from);
    int before = asked.size();
    asked.values().removeIf(ask -> ask.chunk() == chunk.chunk);
    if (source != null) {
      source.owed -= before - asked.size();
    }
  }

  private void wantAgain(int chunk) {
    if (chunk == MANIFEST) {
      manifestWanted = true;
    } else {
      wanted.set(chunk);
    }
  }

  /** Begins chunks and asks for pieces as far as the limits allow. */
  private void step() {
    if (manifestWanted && making.size() < settings.chunksAtOnce()) {
      begin(MANIFEST);
    }
    for (int chunk = wanted.nextSetBit(0);
        chunk >= 0 && making.size() < settings.chunksAtOnce();
        chunk = wanted.nextSetBit(chunk + 1)) {
      begin(chunk);
    }
    for (Making chunk : new ArrayList<>(making.values())) {
      Source source = sources.get(chunk.from);
      while (source != null
          && source.owed < settings.windowPerSource()
          && chunk.nextPiece < chunk.pieces()
          && budget.take(chunk.pieceLength(chunk.nextPiece))) {
        ask(chunk, source, chunk.nextPiece++, 1);
      }
    }
  }

  /** Chooses the source that owes least among those that have a chunk. */
  private void begin(int chunk) {
    long now = nanos.getAsLong();
    Map<S, Integer> chunksOf = new HashMap<>();
    making.values().forEach(other -> chunksOf.merge(other.from, 1, Integer::sum));
    S best = null;
    for (var entry : sources.entrySet()) {
      Source source = entry.getValue();
      boolean has = chunk == MANIFEST ? source.manifestBytes > 0 : source.chunks.get(chunk);
      if (has
          && !source.struckOff
          && now - source.restsUntil >= 0
          && (best == null
              || chunksOf.getOrDefault(entry.getKey(), 0) < chunksOf.getOrDefault(best, 0))) {
        best = entry.getKey();
      }
    }
    Source source = best == null ? null : sources.get(best);
    if (best != null && source != null) {
      int length = chunk == MANIFEST ? source.manifestBytes : output.length(chunk);
      making.put(chunk, new Making(chunk, best, length));
      if (chunk == MANIFEST) {
        manifestWanted = false;
      } else {
        wanted.clear(chunk);
      }
    }
  }

  private void ask(Making chunk, Source source, int piece, int attempt) {
    long request = ++lastRequest;
    long timeout = settings.pieceTimeout().toNanos() << (attempt - 1);
    asked.put(request, new Asked(chunk.chunk, piece, attempt, nanos.getAsLong() + timeout));
    source.owed++;
    output.ask(
        chunk.from, request, chunk.chunk, piece * settings.pieceBytes(), chunk.pieceLength(piece));
  }

  /** Sources that gave a chunk and are still there. */
  int givingSources() {
    return (int) sources.values().stream().filter(source -> source.gave).count();
  }

  private String hopeless() {
    int silent = 0;
    int empty = 0;
    for (Source source : sources.values()) {
      if (source.manifestBytes == 0) {
        empty++;
      } else if (!source.struckOff) {
        silent++;
      }
    }
    StringJoiner nodes = new StringJoiner(", ");
    if (sources.isEmpty() && lost == 0) {
      nodes.add("no other node is there");
    }
    add(nodes, silent, "had some and did not send the rest");
    add(nodes, empty, "had nothing of it");
    add(nodes, struckOff, "sent wrong bytes and were struck off");
    add(nodes, lost, "went away");
    return "no more of it came for %d s; of the nodes asked: %s"
        .formatted(settings.patience().toSeconds(), nodes);
  }

  private static void add(StringJoiner nodes, int count, String what) {
    if (count > 0) {
      nodes.add(count + " " + what);
    }
  }

  /** Pieces owed, for tests. */
  int owed() {
    return asked.size();
  }
}
