package dev.sluice.model.store;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.arch.ShardTensors;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.MissingBytesException;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.gguf.Presence;
import dev.sluice.model.shard.LayerRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A model in a store, all of it or some chunks, in use: while it is open it is not removed. For any
 * thread; other processes may fill the same model meanwhile.
 *
 * <p>Only chunks whose hash was right are there. What is written counts at once in this process; it
 * outlives the process, and a loss of power, once {@link #flush} returns.
 */
public final class StoredModel implements AutoCloseable {
  private final ChunkFiles files;
  private boolean closed;

  /** Takes over one use of {@code files}. */
  StoredModel(ChunkFiles files) {
    this.files = files;
  }

  /** What the bytes must be. */
  public Manifest manifest() {
    return files.manifest();
  }

  /** Whether a chunk is there. */
  public boolean has(int chunk) {
    return files.has(chunk);
  }

  /** The chunks that are there; a copy. */
  public BitSet present() {
    return files.present();
  }

  /** Bytes of the chunks that are there. */
  public long bytesPresent() {
    return bytes(files.present());
  }

  /** Bytes of some chunks. */
  public long bytes(BitSet chunks) {
    return chunks.stream().mapToLong(manifest()::length).sum();
  }

  /**
   * What a portion takes, as far as is known.
   *
   * @param chunks the chunks, those that are there too
   * @param known whether these are all: as long as headers are missing, further chunks follow
   */
  public record Needs(BitSet chunks, boolean known) {}

  /**
   * The chunks that a portion takes. When those of them that are missing have been written, it must
   * be asked again, until the answer is known to be all.
   *
   * @throws ModelFileException if the headers are there, but are no valid model
   * @throws IllegalArgumentException for layers that the model has not
   */
  public Needs needs(Portion portion) {
    Manifest manifest = manifest();
    BitSet chunks = new BitSet();
    if (portion instanceof Portion.Whole) {
      chunks.set(0, manifest.chunks());
      return new Needs(chunks, true);
    }
    for (int part = 0; part < manifest.parts(); part++) {
      chunks.set(manifest.chunkAt(part, 0));
    }
    if (!files.hasAll(chunks)) {
      return new Needs(chunks, false);
    }
    try (GgufFile file = openHeader()) {
      headers(file, chunks);
      if (portion instanceof Portion.Layers(LayerRange range)) {
        tensors(file, range, chunks);
      }
      return new Needs(chunks, true);
    } catch (MissingBytesException e) {
      int part = files.partOf(e.file());
      chunks.set(manifest.chunkAt(part, 0), manifest.chunkAt(part, e.from()) + 1);
      return new Needs(chunks, false);
    }
  }

  /**
   * The layers whose weights are all there, as a shard of that layer alone needs them; none as long
   * as the headers are not there.
   *
   * @throws ModelFileException if the headers are there, but are no valid model
   */
  public List<LayerRange> layers() {
    Needs header = needs(Portion.header());
    if (!header.known() || !files.hasAll(header.chunks())) {
      return List.of();
    }
    List<LayerRange> ranges = new ArrayList<>();
    try (GgufFile file = openHeader()) {
      int layers = ModelSpec.of(file).layers();
      int first = 0;
      for (int layer = 0; layer <= layers; layer++) {
        BitSet chunks = new BitSet();
        if (layer < layers) {
          tensors(file, new LayerRange(layer, layer + 1), chunks);
        }
        if (layer == layers || !files.hasAll(chunks)) {
          if (first < layer) {
            ranges.add(new LayerRange(first, layer));
          }
          first = layer + 1;
        }
      }
    }
    return ranges;
  }

  /** Up to the first tensor of each part. Without tensors, all of the part is header. */
  private void headers(GgufFile file, BitSet chunks) {
    Manifest manifest = manifest();
    for (int part = 0; part < manifest.parts(); part++) {
      Path path = file.files().get(part);
      long end =
          file.tensors().stream()
              .filter(tensor -> tensor.file().equals(path))
              .mapToLong(GgufTensor::offset)
              .min()
              .orElse(manifest.partBytes(part));
      chunks.set(manifest.chunkAt(part, 0), manifest.chunkAt(part, Math.max(0, end - 1)) + 1);
    }
  }

  private void tensors(GgufFile file, LayerRange range, BitSet chunks) {
    int layers = ModelSpec.of(file).layers();
    if (range.end() > layers) {
      throw new IllegalArgumentException(
          "layers " + range + " of a model with " + layers + " layers");
    }
    ShardTensors.of(file, range.first(), range.end()).stream()
        .filter(tensor -> tensor.bytes() > 0)
        .forEach(
            tensor -> {
              int part = file.files().indexOf(tensor.file());
              long last = tensor.offset() + tensor.bytes() - 1;
              chunks.set(
                  manifest().chunkAt(part, tensor.offset()), manifest().chunkAt(part, last) + 1);
            });
  }

  /**
   * Opens the model, of which a portion must be there. Tensors that are not there throw when their
   * data is asked for. The model stays in use until the file is closed, also after {@link #close}.
   *
   * @throws MissingBytesException if something of the portion is not there
   * @throws ModelFileException if it is no valid model
   */
  public GgufFile open(Portion portion) {
    Needs needs = needs(portion);
    if (!needs.known() || !files.hasAll(needs.chunks())) {
      throw new MissingBytesException(files.path(0), portion.toString(), 0);
    }
    return openHeader();
  }

  private GgufFile openHeader() {
    ChunkFiles used = files.use();
    return GgufFile.open(
        files.path(0),
        new Presence() {
          @Override
          public long leading(Path file) {
            return used.leading(used.partOf(file));
          }

          @Override
          public boolean has(Path file, long offset, long bytes) {
            return bytes == 0 || used.has(used.partOf(file), offset, bytes);
          }

          @Override
          public void close() {
            used.release();
          }
        });
  }

  /**
   * Reads from a chunk that is there until {@code into} is full.
   *
   * @param offset from the chunk's start
   * @throws StoreException if it cannot be read
   * @throws IllegalArgumentException beyond the chunk, or if it is not there
   */
  public void read(int chunk, int offset, ByteBuffer into) {
    int length = files.has(chunk) ? manifest().length(chunk) : 0;
    if (offset < 0 || into.remaining() > length - offset) {
      throw new IllegalArgumentException("chunk " + chunk + " has no such bytes");
    }
    files.read(chunk, offset, into);
  }

  /**
   * Writes a chunk, if its bytes are right.
   *
   * @return false if they are not, and nothing was written
   * @throws StoreException if it cannot be written: the disk is full, or the store's limit reached
   */
  public boolean write(int chunk, ByteBuffer bytes) {
    if (!manifest().matches(chunk, bytes)) {
      return false;
    }
    files.write(chunk, bytes);
    return true;
  }

  /**
   * Makes room for so many bytes more, by removing models that nobody named and nobody uses, those
   * not used for longest first.
   *
   * @throws StoreException if there is not so much room; nothing was removed in vain
   */
  public void makeRoom(long bytes) {
    files.makeRoom(bytes);
  }

  /**
   * Returns when what was written is on the disk for good.
   *
   * @throws StoreException if that fails; what it concerns is no longer there
   */
  public void flush() {
    files.flush();
  }

  /**
   * Reads all that is there and forgets what is not as it was.
   *
   * @return the number of chunks that were forgotten
   */
  public int verify() {
    int bad = 0;
    for (int chunk = files.next(0); chunk >= 0; chunk = files.next(chunk + 1)) {
      ByteBuffer bytes = ByteBuffer.allocate(manifest().length(chunk));
      files.read(chunk, 0, bytes);
      if (!manifest().matches(chunk, bytes.flip())) {
        files.forget(chunk);
        bad++;
      }
    }
    return bad;
  }

  /** Ends this use. Closing twice is fine. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      files.release();
    }
  }

  /** What goes wrong while reading or writing a model's files. */
  static StoreException failure(Path file, String doing, IOException e) {
    return new StoreException(file + ": " + doing + ": " + Disk.reason(e), e);
  }
}
