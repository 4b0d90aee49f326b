package dev.sluice.actors.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A clock, a network and sources of chunks, all drawn from a seed. Chunks are a few bytes. */
final class SimulatedSources implements ChunkFetch.Output<Integer> {
  private static final int PIECE = 7;
  private static final int WINDOW = 3;
  private static final int AT_ONCE = 2;
  private static final long TICK = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long MOST_NANOS = TimeUnit.MINUTES.toNanos(30);
  private static final TransferSettings SETTINGS =
      new TransferSettings(
          PIECE,
          WINDOW,
          AT_ONCE,
          Duration.ofMillis(500),
          3,
          Duration.ofMillis(300),
          Duration.ofSeconds(1),
          Duration.ofSeconds(20),
          0);

  private final Random random;
  private final byte[] manifest;
  private final byte[][] chunks;
  private final byte[][] taken;
  private byte @Nullable [] takenManifest;
  private final Map<Integer, SourceModel> sources = new HashMap<>();
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::number));
  private long now;
  private long number;
  private final ChunkFetch<Integer> fetch;
  private @Nullable String failure;
  private int deliveredBy = -1;

  private record Event(long at, long number, Runnable what) {}

  /** What a source does. */
  private static final class SourceModel {
    private BitSet has = new BitSet();
    private double loses;
    private double spoils;
    private double wrongLength;
    private double refuses;
    private long diesAt = Long.MAX_VALUE;
    private int lies;
    private int spoiltTaken;
    private boolean known = true;
  }

  SimulatedSources(long seed) {
    random = new Random(seed);
    now = random.nextLong(1L << 40) - (1L << 39); // clocks begin anywhere
    manifest = bytes(1 + random.nextInt(60));
    chunks = new byte[1 + random.nextInt(24)][];
    taken = new byte[chunks.length][];
    for (int chunk = 0; chunk < chunks.length; chunk++) {
      chunks[chunk] = bytes(1 + random.nextInt(40));
    }
    long bytesPerSecond = random.nextInt(3) == 0 ? 200 + random.nextInt(1000) : 0;
    fetch = new ChunkFetch<>(SETTINGS, new ByteBudget(bytesPerSecond, () -> now), () -> now, this);
  }

  Random random() {
    return random;
  }

  int chunks() {
    return chunks.length;
  }

  @Nullable String failure() {
    return failure;
  }

  private byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private int add(SourceModel source) {
    int name = sources.size();
    sources.put(name, source);
    at(random.nextLong(TimeUnit.SECONDS.toNanos(3)), () -> fetch.sourceFound(name));
    if (source.diesAt != Long.MAX_VALUE) {
      at(
          Math.max(0, source.diesAt - now),
          () -> {
            source.known = false;
            fetch.sourceLost(name);
          });
    }
    return name;
  }

  void addHonest(double loses) {
    SourceModel source = new SourceModel();
    source.has.set(0, chunks.length);
    source.loses = loses;
    int _ = add(source);
  }

  void addWith(BitSet has) {
    SourceModel source = new SourceModel();
    source.has = has;
    int _ = add(source);
  }

  int addLiar() {
    SourceModel source = new SourceModel();
    source.has.set(0, chunks.length);
    source.spoils = 1;
    return add(source);
  }

  void addBad() {
    SourceModel source = new SourceModel();
    for (int chunk = 0; chunk < chunks.length + 3; chunk++) {
      source.has.set(chunk, random.nextBoolean()); // some beyond the model
    }
    source.loses = random.nextInt(3) == 0 ? 1 : random.nextDouble() * 0.5;
    source.spoils = random.nextInt(3) == 0 ? 0.3 : 0;
    source.wrongLength = random.nextInt(4) == 0 ? 0.1 : 0;
    source.refuses = random.nextInt(3) == 0 ? 0.3 : 0;
    source.lies = random.nextInt(3);
    if (random.nextInt(3) == 0) {
      source.diesAt = now + random.nextLong(TimeUnit.SECONDS.toNanos(6));
    }
    int _ = add(source);
  }

  private void at(long delay, Runnable what) {
    events.add(new Event(now + delay, number++, what));
  }

  /** Until the fetch has all or has given up. */
  void run() {
    long end = now + MOST_NANOS;
    fetch.wantManifest();
    at(TICK, this::tick);
    while (failure == null && !finished()) {
      Event event = events.remove();
      now = event.at();
      assertThat(now).as("it ends in bounded time").isLessThan(end);
      event.what().run();
      if (takenManifest != null && fetch.done() && !finished()) {
        wantSome();
      }
    }
    assertThat(failure != null || fetch.owed() == 0).as("nothing is owed in the end").isTrue();
  }

  private boolean finished() {
    return takenManifest != null && fetch.done() && Arrays.stream(taken).allMatch(c -> c != null);
  }

  /** As headers do: first a few, then the rest. */
  private void wantSome() {
    BitSet wanted = new BitSet();
    for (int chunk = 0; chunk < chunks.length; chunk++) {
      if (taken[chunk] == null && (wanted.isEmpty() || random.nextInt(3) > 0)) {
        wanted.set(chunk);
      }
    }
    fetch.want(wanted);
  }

  private void tick() {
    failure = fetch.tick();
    at(TICK, this::tick);
  }

  void checkAllThere() {
    assertThat(takenManifest).isEqualTo(manifest);
    for (int chunk = 0; chunk < chunks.length; chunk++) {
      assertThat(taken[chunk]).as("chunk %d", chunk).isEqualTo(chunks[chunk]);
    }
  }

  int spoiltChunksTakenFrom(int name) {
    return source(name).spoiltTaken;
  }

  private SourceModel source(int name) {
    SourceModel source = sources.get(name);
    if (source == null) {
      throw new AssertionError("no source " + name);
    }
    return source;
  }

  @Override
  public void look(Integer name) {
    SourceModel source = source(name);
    if (random.nextDouble() >= source.loses && source.known) {
      int length = source.lies == 2 ? manifest.length + 1 : manifest.length;
      at(delay(), () -> fetch.inventory(name, length, (BitSet) source.has.clone()));
    }
  }

  private long delay() {
    return random.nextLong(TimeUnit.MILLISECONDS.toNanos(random.nextInt(20) == 0 ? 2000 : 50));
  }

  @Override
  public void ask(Integer name, long request, int chunk, int offset, int length) {
    SourceModel source = source(name);
    assertThat(source.known).as("a source that is gone is not asked").isTrue();
    assertThat(length).isBetween(1, PIECE);
    assertThat(source.spoiltTaken).as("a source struck off is not asked").isLessThan(1);
    if (random.nextDouble() < source.loses) {
      return;
    }
    if (random.nextDouble() < source.refuses) {
      List<WeightAnswer.Reason> reasons = new ArrayList<>(List.of(WeightAnswer.Reason.values()));
      WeightAnswer.Reason reason = reasons.get(random.nextInt(reasons.size()));
      at(delay(), () -> fetch.refused(request, reason));
      return;
    }
    byte[] whole = chunk == ChunkFetch.MANIFEST ? manifest : chunks[chunk];
    byte[] piece = Arrays.copyOfRange(whole, offset, offset + length);
    if (random.nextDouble() < source.spoils) {
      piece[random.nextInt(piece.length)] ^= 1;
    }
    if (random.nextDouble() < source.wrongLength) {
      piece = Arrays.copyOf(piece, random.nextInt(20));
    }
    byte[] sent = piece;
    at(delay(), () -> deliver(name, request, sent));
    if (random.nextInt(10) == 0) {
      at(delay(), () -> deliver(name, request, sent)); // twice
    }
  }

  private void deliver(int name, long request, byte[] piece) {
    deliveredBy = name;
    fetch.piece(request, piece);
  }

  @Override
  public int length(int chunk) {
    return chunks[chunk].length;
  }

  @Override
  public boolean take(int chunk, ByteBuffer bytes) {
    byte[] whole = new byte[bytes.remaining()];
    bytes.get(whole);
    if (chunk == ChunkFetch.MANIFEST) {
      if (Arrays.equals(whole, manifest)) {
        takenManifest = whole;
        return true;
      }
    } else if (Arrays.equals(whole, chunks[chunk])) {
      assertThat(taken[chunk]).as("chunk %d is taken once", chunk).isNull();
      taken[chunk] = whole;
      return true;
    }
    source(deliveredBy).spoiltTaken++;
    return false;
  }
}
