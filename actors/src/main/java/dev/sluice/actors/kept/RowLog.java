package dev.sluice.actors.kept;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rows of bytes for each slot, one for a position, from position 0 on: such as the activations that
 * a stage has given to the next one, from which this one is fed when it has lost what it had.
 *
 * <p>Bounded: rows lie in blocks in memory; when these are used up, full blocks move to a temporary
 * file; when that is full too, or the disk fails, the slot that needed room is given up, and its
 * {@link #positions} are 0 until it begins again at position 0.
 *
 * <p>For one thread at a time. Who made it closes it. Nothing is allocated per row once the memory
 * has been used.
 */
public final class RowLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RowLog.class);

  /** Of a block of activations, about: large enough to write at once, small beside a limit. */
  private static final int BLOCK_BYTES = 64 << 10;

  private static final int LEAST_BLOCK_ROWS = 4;

  /** Most blocks in memory, and most on disk, whatever the limits say. */
  private static final int MOST_BLOCKS = 1 << 20;

  private static final int ALIGNMENT = 64;
  private static final int FIRST_TABLE = 8;

  private final String name;
  private final long rowBytes;
  private final int blockRows;
  private final long blockBytes;
  private final Arena arena = Arena.ofShared();

  /** Blocks in memory, made when first used; numbers from there on are blocks of the file. */
  private final @Nullable MemorySegment[] memory;

  /** Of each block in memory, the slot that uses it and its index there. */
  private final int[] owners;

  private final int[] indexes;
  private final BlockNumbers freeMemory;
  private final BlockNumbers freeDisk;
  private final Opener opener;
  private @Nullable BlockFile file;

  private final int[][] tables;
  private final int[] lengths;
  private int hand;

  /** Makes the file when it is needed first. */
  interface Opener {
    BlockFile open() throws IOException;
  }

  /**
   * An empty log of activations.
   *
   * @param slots slots are 0 until this number
   * @param width elements of a row
   */
  public static RowLog ofActivations(int slots, int width, LogLimits limits) {
    long rowBytes = (long) width * Float.BYTES;
    int blockRows = (int) Math.max(LEAST_BLOCK_ROWS, BLOCK_BYTES / rowBytes);
    return new RowLog("log of activations", slots, rowBytes, blockRows, limits);
  }

  /**
   * An empty log.
   *
   * @param name what it is, in words
   * @param slots slots are 0 until this number
   * @param rowBytes bytes of a row
   * @param blockRows rows that memory is taken for at once
   */
  RowLog(String name, int slots, long rowBytes, int blockRows, LogLimits limits) {
    this(name, slots, rowBytes, blockRows, limits, () -> BlockFile.create("sluice-rows"));
  }

  RowLog(String name, int slots, long rowBytes, int blockRows, LogLimits limits, Opener opener) {
    this.name = name;
    this.opener = opener;
    this.rowBytes = rowBytes;
    this.blockRows = blockRows;
    blockBytes = blockRows * rowBytes;
    int inMemory = (int) Math.min(MOST_BLOCKS, limits.memoryBytes() / blockBytes);
    int onDisk = (int) Math.min(MOST_BLOCKS, limits.diskBytes() / blockBytes);
    memory = new MemorySegment[inMemory];
    owners = new int[inMemory];
    indexes = new int[inMemory];
    freeMemory = new BlockNumbers(0, inMemory);
    freeDisk = new BlockNumbers(inMemory, onDisk);
    tables = new int[slots][];
    Arrays.fill(tables, new int[0]);
    lengths = new int[slots];
  }

  /** From 0 on, the positions of a slot whose rows are here. */
  public int positions(int slot) {
    return lengths[slot];
  }

  /**
   * Adds rows. What does not follow the slot's last row makes a gap: then the slot is given up.
   *
   * @param position of the first row
   * @param rows where they lie, one behind the other
   * @param first index of the first of them there
   */
  public void append(int slot, int position, MemorySegment rows, long first, int count) {
    if (position != lengths[slot]) {
      forget(slot);
      return;
    }
    int done = 0;
    while (done < count) {
      int at = lengths[slot] % blockRows;
      if (at == 0 && !addBlock(slot)) {
        forget(slot);
        return;
      }
      int n = Math.min(count - done, blockRows - at);
      MemorySegment block = inMemory(tables[slot][lengths[slot] / blockRows]);
      MemorySegment.copy(rows, (first + done) * rowBytes, block, at * rowBytes, n * rowBytes);
      lengths[slot] += n;
      done += n;
    }
  }

  /**
   * Copies rows to the beginning of {@code target}.
   *
   * @throws IllegalArgumentException where they are not all here
   * @throws UncheckedIOException where the file cannot be read; whatever lay there is given up
   */
  public void read(int slot, int position, int count, MemorySegment target) {
    if (position < 0 || count < 0 || count > lengths[slot] - position) {
      throw new IllegalArgumentException(
          "rows %d to %d of slot %d: the log has %d"
              .formatted(position, position + count, slot, lengths[slot]));
    }
    int done = 0;
    while (done < count) {
      int at = (position + done) % blockRows;
      int n = Math.min(count - done, blockRows - at);
      int block = tables[slot][(position + done) / blockRows];
      MemorySegment to = target.asSlice(done * rowBytes, n * rowBytes);
      if (block < memory.length) {
        MemorySegment.copy(inMemory(block), at * rowBytes, to, 0, n * rowBytes);
      } else {
        readFile(block, at * rowBytes, to);
      }
      done += n;
    }
  }

  /**
   * Forgets a slot's rows from a position on; fewer rows stay as they are. A slot whose rows are to
   * be gone on with has its last block in memory, so it may have to be given up.
   */
  public void truncate(int slot, int positions) {
    if (positions >= lengths[slot]) {
      return;
    }
    int kept = Math.ceilDiv(positions, blockRows);
    freeBlocks(slot, kept);
    lengths[slot] = positions;
    if (positions % blockRows != 0 && tables[slot][kept - 1] >= memory.length) {
      load(slot, kept - 1);
    }
  }

  /**
   * Gives a slot copies of the first rows of another one, in place of what it has. Where they are
   * not all here, or there is no room for them, it is given up.
   */
  public void copy(int from, int to, int count) {
    forget(to);
    while (lengths[to] < count && lengths[from] >= count && addBlock(to)) {
      int position = lengths[to];
      int n = Math.min(blockRows, count - position);
      MemorySegment block = inMemory(tables[to][position / blockRows]);
      lengths[to] += n;
      try {
        read(from, position, n, block);
      } catch (UncheckedIOException e) {
        break;
      }
    }
    if (lengths[to] != count || lengths[from] < count) {
      forget(to);
    }
  }

  /** Forgets a slot. */
  public void forget(int slot) {
    freeBlocks(slot, 0);
    lengths[slot] = 0;
  }

  /** Frees the memory and removes the file; the log must not be used any more. */
  @Override
  public void close() {
    arena.close();
    if (file != null) {
      file.close();
    }
  }

  private boolean addBlock(int slot) {
    int length = lengths[slot];
    int block = takeMemory();
    if (block < 0) {
      return false;
    }
    if (lengths[slot] != length) {
      // Making room, the disk was found failing, and the slot given up with it.
      freeMemory.give(block);
      return false;
    }
    put(slot, length / blockRows, block);
    return true;
  }

  private void put(int slot, int index, int block) {
    if (index >= tables[slot].length) {
      tables[slot] = Arrays.copyOf(tables[slot], Math.max(FIRST_TABLE, 2 * index));
    }
    tables[slot][index] = block;
    owners[block] = slot;
    indexes[block] = index;
  }

  /** Frees a slot's blocks from an index on. */
  private void freeBlocks(int slot, int from) {
    int held = Math.ceilDiv(lengths[slot], blockRows);
    for (int i = from; i < held; i++) {
      int block = tables[slot][i];
      (block < memory.length ? freeMemory : freeDisk).give(block);
    }
  }

  private MemorySegment inMemory(int block) {
    MemorySegment segment = memory[block];
    if (segment == null) {
      segment = arena.allocate(blockBytes, ALIGNMENT);
      memory[block] = segment;
    }
    return segment;
  }

  /** A block in memory that is nobody's; -1 where there is none to be had. */
  private int takeMemory() {
    return freeMemory.isEmpty() ? spill() : freeMemory.take();
  }

  /**
   * Moves a full block to the file, in turn, and tells where it lay in memory. A slot's last block
   * stays: it is being filled.
   */
  private int spill() {
    if (freeDisk.isEmpty()) {
      return -1;
    }
    for (int i = 0; i < memory.length; i++) {
      int block = hand;
      hand = (hand + 1) % memory.length;
      int slot = owners[block];
      if (indexes[block] < (lengths[slot] - 1) / blockRows) {
        return spill(block);
      }
    }
    return -1;
  }

  private int spill(int block) {
    int to = freeDisk.take();
    try {
      BlockFile target = file;
      if (target == null) {
        target = opener.open();
        file = target;
      }
      target.write(offset(to), inMemory(block));
    } catch (IOException e) {
      freeDisk.give(to);
      giveUpDisk(e);
      return freeMemory.isEmpty() ? -1 : freeMemory.take();
    }
    tables[owners[block]][indexes[block]] = to;
    return block;
  }

  /** Brings a slot's last block back. */
  private void load(int slot, int index) {
    int from = tables[slot][index];
    int block = takeMemory();
    if (block < 0 || lengths[slot] == 0) {
      if (block >= 0) {
        freeMemory.give(block);
      }
      forget(slot);
      return;
    }
    try {
      readFile(from, 0, inMemory(block));
    } catch (UncheckedIOException e) {
      freeMemory.give(block);
      return;
    }
    freeDisk.give(from);
    put(slot, index, block);
  }

  private void readFile(int block, long offset, MemorySegment target) {
    BlockFile source = file;
    if (source == null) {
      throw new IllegalStateException("block " + block + " lies in no file");
    }
    try {
      source.read(offset(block) + offset, target);
    } catch (IOException e) {
      giveUpDisk(e);
      throw new UncheckedIOException("the " + name + " cannot be read", e);
    }
  }

  private long offset(int block) {
    return (block - memory.length) * blockBytes;
  }

  /** The disk is full or broken: from now on there is memory only. */
  private void giveUpDisk(IOException cause) {
    LOG.warn("the {} goes on without its file: {}", name, cause.toString());
    for (int slot = 0; slot < lengths.length; slot++) {
      int held = Math.ceilDiv(lengths[slot], blockRows);
      for (int i = 0; i < held; i++) {
        if (tables[slot][i] >= memory.length) {
          forget(slot);
          break;
        }
      }
    }
    freeDisk.clear();
  }
}
