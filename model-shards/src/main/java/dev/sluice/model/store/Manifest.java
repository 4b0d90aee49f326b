package dev.sluice.model.store;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import java.lang.foreign.MemorySegment;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a model's bytes must be: the lengths of its files, and the SHA-256 of each chunk of {@value
 * #CHUNK_BYTES} bytes of them. A tree of two levels: the manifest is checked against the {@link
 * ContentId}, which is its own SHA-256, and each chunk against the manifest, in any order, whoever
 * sent it. Immutable, for any thread.
 *
 * <p>Chunks are numbered through all parts of a split model. A chunk lies in one part; the last one
 * of each part may be shorter.
 */
public final class Manifest {
  /** Bytes of a chunk. */
  public static final int CHUNK_BYTES = 4 << 20;

  /** The largest encoded manifest, of a model of 4 TiB; what claims to be longer is refused. */
  public static final int MAX_ENCODED_BYTES = 64 << 20;

  private static final int MAGIC = 0x534c434d; // SLCM
  private static final int HEADER_BYTES = 2 * Integer.BYTES;
  private static final int MAX_PARTS = 65_535;
  private static final long MAX_MODEL_BYTES = 4L << 40;

  private final long[] lengths;
  private final int[] firstChunks; // of each part, and the number of all
  private final byte[] hashes;
  private final ContentId id;

  private Manifest(long[] lengths, int[] firstChunks, byte[] hashes) {
    this.lengths = lengths;
    this.firstChunks = firstChunks;
    this.hashes = hashes;
    this.id = ContentId.of(Hashes.sha256().digest(encoded()));
  }

  /**
   * Reads a whole model, on several threads, and hashes it. {@link ModelStore#manifest} spares
   * doing it again.
   *
   * @param file without holes
   * @throws ModelFileException if it changes meanwhile
   */
  public static Manifest of(GgufFile file) {
    List<MemorySegment> parts =
        IntStream.range(0, file.files().size()).mapToObj(file::contents).toList();
    long[] lengths = parts.stream().mapToLong(MemorySegment::byteSize).toArray();
    int[] firstChunks = firstChunks(lengths);
    byte[] hashes = new byte[Math.multiplyExact(firstChunks[lengths.length], Hashes.BYTES)];
    try {
      IntStream.range(0, firstChunks[lengths.length])
          .parallel()
          .forEach(
              chunk -> {
                int part = partOf(firstChunks, chunk);
                long offset = (long) (chunk - firstChunks[part]) * CHUNK_BYTES;
                long length = Math.min(CHUNK_BYTES, lengths[part] - offset);
                MessageDigest digest = Hashes.sha256();
                digest.update(parts.get(part).asSlice(offset, length).asByteBuffer());
                System.arraycopy(digest.digest(), 0, hashes, chunk * Hashes.BYTES, Hashes.BYTES);
              });
    } catch (InternalError e) {
      // What the JVM throws in place of SIGBUS, when another process cuts a mapped file short.
      throw new ModelFileException(file.path(), "the file changed while it was being hashed", e);
    }
    return new Manifest(lengths, firstChunks, hashes);
  }

  /**
   * Reads what {@link #encoded} gave, from anywhere.
   *
   * @throws StoreException if it is none, or not that of {@code id}
   */
  public static Manifest decode(byte[] encoded, ContentId id) {
    Manifest manifest = decode(encoded);
    if (!manifest.id.equals(id)) {
      throw new StoreException("a manifest is that of " + manifest.id + ", not of " + id);
    }
    return manifest;
  }

  private static Manifest decode(byte[] encoded) {
    try {
      ByteBuffer in = ByteBuffer.wrap(encoded);
      int magic = in.getInt();
      int parts = in.getInt();
      if (magic != MAGIC || parts < 1 || parts > MAX_PARTS) {
        throw new StoreException("a manifest is damaged or of another version");
      }
      long[] lengths = new long[parts];
      for (int part = 0; part < parts; part++) {
        lengths[part] = in.getLong();
      }
      int[] firstChunks = firstChunks(lengths);
      if (in.remaining() != (long) firstChunks[parts] * Hashes.BYTES) {
        throw new StoreException("a manifest is cut short or damaged");
      }
      byte[] hashes = new byte[in.remaining()];
      in.get(hashes);
      return new Manifest(lengths, firstChunks, hashes);
    } catch (BufferUnderflowException e) {
      throw new StoreException("a manifest is cut short", e);
    }
  }

  private static int[] firstChunks(long[] lengths) {
    int[] first = new int[lengths.length + 1];
    long bytes = 0;
    for (int part = 0; part < lengths.length; part++) {
      long length = lengths[part];
      if (length < 1 || length > MAX_MODEL_BYTES - bytes) {
        throw new StoreException(
            "a model of %d files is empty in one of them, or larger than the %d TiB supported"
                .formatted(lengths.length, MAX_MODEL_BYTES >> 40));
      }
      bytes += length;
      first[part + 1] = first[part] + (int) Math.ceilDiv(length, (long) CHUNK_BYTES);
    }
    return first;
  }

  /** All of it as bytes, of which {@link #id} is the SHA-256. */
  public byte[] encoded() {
    ByteBuffer out =
        ByteBuffer.allocate(HEADER_BYTES + lengths.length * Long.BYTES + hashes.length);
    out.putInt(MAGIC).putInt(lengths.length);
    for (long length : lengths) {
      out.putLong(length);
    }
    return out.put(hashes).array();
  }

  /** The model's name. */
  public ContentId id() {
    return id;
  }

  /** The number of files. */
  public int parts() {
    return lengths.length;
  }

  /** Length of a file in bytes. */
  public long partBytes(int part) {
    return lengths[part];
  }

  /** Bytes of all files together. */
  public long bytes() {
    return Arrays.stream(lengths).sum();
  }

  /** The number of chunks in all files together. */
  public int chunks() {
    return firstChunks[lengths.length];
  }

  /** The file in which a chunk lies. */
  public int partOf(int chunk) {
    return partOf(firstChunks, chunk);
  }

  private static int partOf(int[] firstChunks, int chunk) {
    int found = Arrays.binarySearch(firstChunks, chunk);
    return found >= 0 ? found : -found - 2;
  }

  /** Where in its file a chunk begins. */
  public long offset(int chunk) {
    return (long) (chunk - firstChunks[partOf(chunk)]) * CHUNK_BYTES;
  }

  /** Bytes of a chunk. */
  public int length(int chunk) {
    return (int) Math.min(CHUNK_BYTES, lengths[partOf(chunk)] - offset(chunk));
  }

  /** The chunk that holds the byte at {@code offset} of file {@code part}. */
  public int chunkAt(int part, long offset) {
    if (offset < 0 || offset >= lengths[part]) {
      throw new IndexOutOfBoundsException(
          "offset " + offset + " of a file of " + lengths[part] + " bytes");
    }
    return firstChunks[part] + (int) (offset / CHUNK_BYTES);
  }

  /** Whether {@code bytes}, all that remain in the buffer, are those of the chunk. */
  public boolean matches(int chunk, ByteBuffer bytes) {
    if (bytes.remaining() != length(chunk)) {
      return false;
    }
    MessageDigest digest = Hashes.sha256();
    digest.update(bytes.duplicate());
    int at = chunk * Hashes.BYTES;
    return Arrays.equals(digest.digest(), 0, Hashes.BYTES, hashes, at, at + Hashes.BYTES);
  }

  @Override
  public String toString() {
    return "%s, %d bytes in %d chunks".formatted(id.brief(), bytes(), chunks());
  }
}
