package dev.sluice.model.store;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of one model in a store, one object a process for all who use it: sparse data files,
 * and a record with one byte a chunk, 1 for those that are there. A chunk is written, the data is
 * forced to the disk, then the record says so: whenever the process or the power goes, what the
 * record says is true, and what it does not say yet is fetched again.
 */
final class ChunkFiles {
  static final String MANIFEST = "manifest";
  static final String RECORD = "chunks";

  private static final Logger LOG = LoggerFactory.getLogger(ChunkFiles.class);

  /** Chunks that may be lost with the process: 64 MiB. */
  private static final int BATCH = 16;

  private static final Map<Path, ChunkFiles> OPEN = new HashMap<>();

  private final Path folder;
  private final Manifest manifest;
  private final LongConsumer makeRoom;
  private final Locks.Lock lock;
  private final FileChannel[] parts;
  private final FileChannel record;
  private final BitSet here = new BitSet();
  private final BitSet unrecorded = new BitSet();
  private long room;
  private int uses;

  private ChunkFiles(Path folder, Manifest manifest, LongConsumer makeRoom, Locks.Lock lock)
      throws IOException {
    this.folder = folder;
    this.manifest = manifest;
    this.makeRoom = makeRoom;
    this.lock = lock;
    this.parts = new FileChannel[manifest.parts()];
    this.record = channel(folder.resolve(RECORD));
    try {
      if (record.size() != manifest.chunks()) {
        record.truncate(0);
        Disk.writeAll(record, ByteBuffer.allocate(manifest.chunks()), 0);
      }
      for (int part = 0; part < parts.length; part++) {
        parts[part] = channel(path(part));
        checkLength(part);
      }
      refresh();
    } catch (IOException | RuntimeException e) {
      closeChannels();
      throw e;
    }
  }

  /**
   * Takes part in the use of a model's folder, which {@link #lay} made.
   *
   * @param lock given back when nobody in this process uses the folder any longer
   */
  static ChunkFiles open(Path folder, Manifest manifest, LongConsumer makeRoom, Locks.Lock lock)
      throws IOException {
    synchronized (OPEN) {
      ChunkFiles files = OPEN.get(folder);
      try {
        if (files == null) {
          files = new ChunkFiles(folder, manifest, makeRoom, lock);
          OPEN.put(folder, files);
        } else {
          files.refresh();
          lock.close(); // the first one's does for all
        }
      } catch (IOException | RuntimeException e) {
        lock.close();
        throw e;
      }
      files.uses++;
      return files;
    }
  }

  /** Makes what {@link #open} opens: files of full length that take no room as yet. */
  static void lay(Path folder, Manifest manifest) throws IOException {
    Disk.write(folder.resolve(MANIFEST), manifest.encoded());
    Disk.write(folder.resolve(RECORD), new byte[manifest.chunks()]);
    for (int part = 0; part < manifest.parts(); part++) {
      try (FileChannel file = channel(folder.resolve(fileName(part, manifest.parts())))) {
        setLength(file, manifest.partBytes(part));
        file.force(true);
      }
    }
  }

  /** As {@link #lay}, of a whole model whose files are moved there. */
  static void take(Path folder, Manifest manifest, List<Path> files) throws IOException {
    for (int part = 0; part < manifest.parts(); part++) {
      Path file = folder.resolve(fileName(part, manifest.parts()));
      Files.move(files.get(part), file, StandardCopyOption.ATOMIC_MOVE);
      try (FileChannel moved = channel(file)) {
        moved.force(true);
      }
    }
    byte[] all = new byte[manifest.chunks()];
    Arrays.fill(all, (byte) 1);
    Disk.write(folder.resolve(RECORD), all);
    Disk.write(folder.resolve(MANIFEST), manifest.encoded());
  }

  /** The names that {@link dev.sluice.model.gguf.GgufFile} expects of the parts of a model. */
  static String fileName(int part, int parts) {
    return parts == 1
        ? "model.gguf"
        : String.format(Locale.ROOT, "model-%05d-of-%05d.gguf", part + 1, parts);
  }

  private static FileChannel channel(Path file) throws IOException {
    return FileChannel.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  /** A byte at the end makes the file that long, with a hole before it. */
  private static void setLength(FileChannel file, long bytes) throws IOException {
    file.truncate(bytes);
    if (file.size() < bytes) {
      Disk.writeAll(file, ByteBuffer.allocate(1), bytes - 1);
    }
  }

  /** Of a file that someone cut or lengthened nothing is believed. */
  private void checkLength(int part) throws IOException {
    long length = manifest.partBytes(part);
    if (parts[part].size() != length) {
      LOG.warn("{} is not as long as it was; its chunks are fetched again", path(part));
      int first = manifest.chunkAt(part, 0);
      int count = manifest.chunkAt(part, length - 1) + 1 - first;
      Disk.writeAll(record, ByteBuffer.allocate(count), first);
      record.force(true);
      setLength(parts[part], length);
    }
  }

  /** Learns what other processes wrote. */
  private synchronized void refresh() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(manifest.chunks());
    readAll(record, bytes, 0);
    for (int chunk = 0; chunk < manifest.chunks(); chunk++) {
      if (bytes.get(chunk) == 1) {
        here.set(chunk);
      }
    }
  }

  ChunkFiles use() {
    synchronized (OPEN) {
      uses++;
      return this;
    }
  }

  void release() {
    synchronized (OPEN) {
      uses--;
      if (uses > 0) {
        return;
      }
      OPEN.remove(folder);
      try {
        flush();
      } catch (StoreException e) {
        LOG.warn("the last chunks written will be fetched again: {}", e.getMessage());
      }
      closeChannels();
      lock.close();
    }
  }

  private void closeChannels() {
    for (FileChannel part : parts) {
      closeQuietly(part);
    }
    closeQuietly(record);
  }

  private static void closeQuietly(@Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      LOG.debug("closing: {}", e.getMessage());
    }
  }

  Manifest manifest() {
    return manifest;
  }

  Path path(int part) {
    return folder.resolve(fileName(part, manifest.parts()));
  }

  int partOf(Path file) {
    for (int part = 0; part < manifest.parts(); part++) {
      if (path(part).equals(file)) {
        return part;
      }
    }
    throw new IllegalArgumentException(file + " is no file of " + folder);
  }

  synchronized boolean has(int chunk) {
    return here.get(chunk);
  }

  synchronized boolean hasAll(BitSet chunks) {
    BitSet missing = (BitSet) chunks.clone();
    missing.andNot(here);
    return missing.isEmpty();
  }

  synchronized boolean has(int part, long offset, long bytes) {
    int last = manifest.chunkAt(part, offset + bytes - 1);
    return here.nextClearBit(manifest.chunkAt(part, offset)) > last;
  }

  /** Bytes of a part that are there from its start on without a gap. */
  synchronized long leading(int part) {
    int first = manifest.chunkAt(part, 0);
    long end = (long) (here.nextClearBit(first) - first) * Manifest.CHUNK_BYTES;
    return Math.min(end, manifest.partBytes(part));
  }

  synchronized BitSet present() {
    return (BitSet) here.clone();
  }

  /** The first chunk from {@code chunk} on that is there, or -1. */
  synchronized int next(int chunk) {
    return here.nextSetBit(chunk);
  }

  void read(int chunk, int offset, ByteBuffer into) {
    int part = manifest.partOf(chunk);
    try {
      readAll(parts[part], into, manifest.offset(chunk) + offset);
    } catch (IOException e) {
      throw StoredModel.failure(path(part), "cannot be read", e);
    }
  }

  private static void readAll(FileChannel file, ByteBuffer into, long offset) throws IOException {
    long at = offset;
    while (into.hasRemaining()) {
      int count = file.read(into, at);
      if (count < 0) {
        throw new EOFException("the file is shorter than it was");
      }
      at += count;
    }
  }

  /** Writes a chunk whose hash is right. */
  void write(int chunk, ByteBuffer bytes) {
    if (has(chunk)) {
      return;
    }
    takeRoom(bytes.remaining());
    int part = manifest.partOf(chunk);
    try {
      Disk.writeAll(parts[part], bytes, manifest.offset(chunk));
    } catch (IOException e) {
      throw StoredModel.failure(path(part), "cannot be written", e);
    }
    boolean full;
    synchronized (this) {
      here.set(chunk);
      unrecorded.set(chunk);
      full = unrecorded.cardinality() >= BATCH;
    }
    if (full) {
      flush();
    }
  }

  void makeRoom(long bytes) {
    makeRoom.accept(bytes);
  }

  /** Room is asked for by the batch; not under this object's monitor, since stores lock first. */
  private void takeRoom(int bytes) {
    long batch;
    synchronized (this) {
      room -= bytes;
      if (room >= 0) {
        return;
      }
      long missing = manifest.bytes() - here.stream().mapToLong(manifest::length).sum();
      batch = Math.min(missing, (long) BATCH * Manifest.CHUNK_BYTES);
    }
    makeRoom(batch);
    synchronized (this) {
      room = batch - bytes;
    }
  }

  synchronized void flush() {
    if (unrecorded.isEmpty()) {
      return;
    }
    try {
      for (int part : unrecorded.stream().map(manifest::partOf).distinct().toArray()) {
        parts[part].force(true);
      }
      for (int chunk : unrecorded.stream().toArray()) {
        Disk.writeAll(record, ByteBuffer.wrap(new byte[] {1}), chunk);
      }
      record.force(true);
    } catch (IOException e) {
      here.andNot(unrecorded);
      throw StoredModel.failure(folder, "what was written cannot be kept", e);
    } finally {
      unrecorded.clear();
    }
  }

  synchronized void forget(int chunk) {
    here.clear(chunk);
    unrecorded.clear(chunk);
    try {
      Disk.writeAll(record, ByteBuffer.allocate(1), chunk);
      record.force(true);
    } catch (IOException e) {
      throw StoredModel.failure(folder, "its record cannot be written", e);
    }
  }

  /** Bytes of the chunks that a model's folder holds; 0 where its record is damaged. */
  static long bytesPresent(Path folder, Manifest manifest) {
    byte[] record;
    try {
      record = Disk.read(folder.resolve(RECORD), manifest.chunks());
    } catch (IOException e) {
      return 0;
    }
    long sum = 0;
    for (int chunk = 0; chunk < record.length; chunk++) {
      sum += record[chunk] == 1 ? manifest.length(chunk) : 0;
    }
    return sum;
  }
}
