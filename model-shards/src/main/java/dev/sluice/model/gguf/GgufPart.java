package dev.sluice.model.gguf;

import static dev.sluice.model.gguf.GgufReader.quoted;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One file of a model, mapped, its header parsed and checked.
 *
 * @param tensors in the order of the file
 * @param contents the whole file
 */
record GgufPart(
    Path file,
    int version,
    GgufMetadata metadata,
    List<GgufTensor> tensors,
    MemorySegment contents) {

  static final int DEFAULT_ALIGNMENT = 32;
  static final String ALIGNMENT_KEY = "general.alignment";

  /** The largest alignment: no page or storage block is larger. */
  static final int MAX_ALIGNMENT = 1 << 30;

  /** Real models have fewer than a hundred keys. */
  static final int MAX_KEYS = 1 << 16;

  /** Real models have at most some ten thousand tensors. */
  static final int MAX_TENSORS = 1 << 18;

  private static final int HEADER_BYTES = 24;
  private static final int LEAST_KEY_BYTES = 8 + 1 + 4 + 1;

  /**
   * Maps and parses {@code file}; the mapping belongs to {@code arena}.
   *
   * @throws MissingBytesException if a part of its header is not there
   */
  static GgufPart map(Path file, Arena arena, Presence presence) {
    if (!Files.exists(file)) {
      throw new ModelFileException(file, "there is no such file");
    }
    if (!Files.isRegularFile(file)) {
      throw new ModelFileException(file, "is no regular file; name a .gguf file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (presence.leading(file) < Math.min(size, HEADER_BYTES)) {
        throw new MissingBytesException(file, "the header", 0);
      }
      checkMagic(file, channel, size);
      MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      GgufPart part = parse(file, bytes, presence);
      if (channel.size() < size) {
        throw new ModelFileException(file, "the file was cut short while it was being opened");
      }
      return part;
    } catch (IOException e) {
      throw new ModelFileException(file, "cannot be read: " + reason(e), e);
    } catch (InternalError e) {
      // What the JVM throws in place of SIGBUS, when another process cuts the mapped file short.
      throw new ModelFileException(file, "the file changed while it was being opened", e);
    }
  }

  /** Copies and parses the bytes of a file; the copy belongs to {@code arena}. */
  static GgufPart of(Path name, byte[] file, Arena arena) {
    checkMagic(name, file, file.length);
    MemorySegment bytes = arena.allocate(file.length, DEFAULT_ALIGNMENT);
    bytes.copyFrom(MemorySegment.ofArray(file));
    return parse(name, bytes.asReadOnly(), Presence.WHOLE);
  }

  /** What an I/O failure says, without the path again. */
  static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException _ -> "access is denied";
      case NoSuchFileException _ -> "there is no such folder";
      case FileSystemException named when named.getReason() != null -> named.getReason();
      default -> String.valueOf(e.getMessage());
    };
  }

  /** Done with a plain read, so that something that is no model at all is never mapped. */
  private static void checkMagic(Path file, FileChannel channel, long size) throws IOException {
    ByteBuffer start = ByteBuffer.allocate(HEADER_BYTES);
    while (start.hasRemaining() && channel.read(start, start.position()) >= 0) {
      // a short read: go on
    }
    checkMagic(file, start.array(), size);
  }

  private static void checkMagic(Path file, byte[] start, long size) {
    String magic = new String(start, 0, (int) Math.min(4, size), StandardCharsets.ISO_8859_1);
    if (!magic.equals("GGUF")) {
      String hint =
          switch (magic) {
            case "" -> "; it is empty";
            case "FUGG" -> "; it looks like a big-endian file: convert it to little-endian";
            case "vers" -> "; it looks like a Git LFS pointer: fetch the file itself";
            case "lmgg", "fmgg", "tjgg" -> "; it is of the older GGML format: convert it to GGUF";
            default -> "";
          };
      throw new ModelFileException(
          file, 0, "is no GGUF file: it starts with " + quoted(magic) + ", not 'GGUF'" + hint);
    }
    if (size < HEADER_BYTES) {
      throw new ModelFileException(
          file,
          size,
          "the file ends in its header: %d of %d bytes are there".formatted(size, HEADER_BYTES));
    }
  }

  private static GgufPart parse(Path file, MemorySegment bytes, Presence presence) {
    GgufReader reader = new GgufReader(file, bytes, presence.leading(file));
    int _ = reader.readInt("the magic");
    int version = readVersion(reader);
    int tensorCount =
        reader.readCount("the number of tensors", TensorHeader.LEAST_BYTES, MAX_TENSORS);
    int keyCount = reader.readCount("the number of metadata keys", LEAST_KEY_BYTES, MAX_KEYS);
    GgufMetadata metadata = new GgufMetadata(file, bytes, readValues(reader, keyCount));
    long alignment = alignment(file, metadata);
    List<TensorHeader> headers = readHeaders(reader, tensorCount);
    List<GgufTensor> tensors =
        tensorCount == 0 ? List.of() : place(file, bytes, reader, headers, alignment, presence);
    reader.checkKnown(reader.position());
    return new GgufPart(file, version, metadata, tensors, bytes);
  }

  private static int readVersion(GgufReader reader) {
    long at = reader.position();
    int version = reader.readInt("the version");
    if (version != 2 && version != 3) {
      int swapped = Integer.reverseBytes(version);
      if (swapped >= 1 && swapped <= 3) {
        throw reader.error(
            at, "is a big-endian GGUF file, which is not supported: convert it to little-endian");
      }
      throw reader.error(
          at,
          "is of GGUF version %s; versions 2 and 3 are supported"
              .formatted(Integer.toUnsignedString(version)));
    }
    return version;
  }

  private static Map<String, GgufValue> readValues(GgufReader reader, int count) {
    Map<String, GgufValue> values = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      long at = reader.position();
      reader.reading("key", i);
      String key = reader.readName();
      reader.reading("key", key);
      if (values.put(key, reader.readValue()) != null) {
        throw reader.error(at, "key " + quoted(key) + " is there twice");
      }
    }
    return values;
  }

  private static long alignment(Path file, GgufMetadata metadata) {
    long alignment = metadata.findInteger(ALIGNMENT_KEY).orElse(DEFAULT_ALIGNMENT);
    if (alignment < 1 || alignment > MAX_ALIGNMENT) {
      throw new ModelFileException(
          file,
          metadata.offset(ALIGNMENT_KEY),
          "key '%s' is %d; 1 to %d are supported"
              .formatted(ALIGNMENT_KEY, alignment, MAX_ALIGNMENT));
    }
    return alignment;
  }

  private static List<TensorHeader> readHeaders(GgufReader reader, int count) {
    List<TensorHeader> headers = new ArrayList<>();
    Map<String, Long> seen = new HashMap<>();
    for (int i = 0; i < count; i++) {
      TensorHeader header = TensorHeader.read(reader, i);
      Long before = seen.putIfAbsent(header.name(), header.at());
      if (before != null) {
        throw reader.error(
            header.at(),
            "tensor %s is there twice, also at offset %d".formatted(quoted(header.name()), before));
      }
      headers.add(header);
    }
    return headers;
  }

  /** Checks that every tensor lies within the file, aligned, and over no other one. */
  private static List<GgufTensor> place(
      Path file,
      MemorySegment bytes,
      GgufReader reader,
      List<TensorHeader> headers,
      long alignment,
      Presence presence) {
    long dataStart = Math.ceilDiv(reader.position(), alignment) * alignment;
    long dataBytes = bytes.byteSize() - dataStart;
    for (TensorHeader header : headers) {
      if (header.offset() < 0
          || header.offset() > dataBytes
          || header.bytes() > dataBytes - header.offset()) {
        throw reader.error(
            header.at(),
            "tensor %s needs %d bytes at offset %s of the data, but the data ends at %d; the file is damaged or cut short"
                .formatted(
                    quoted(header.name()),
                    header.bytes(),
                    Long.toUnsignedString(header.offset()),
                    Math.max(0, dataBytes)));
      }
      if (header.offset() % alignment != 0) {
        throw reader.error(
            header.at(),
            "tensor %s starts at offset %d of the data, no multiple of the alignment %d"
                .formatted(quoted(header.name()), header.offset(), alignment));
      }
    }
    checkOverlaps(reader, headers);
    List<GgufTensor> tensors = new ArrayList<>(headers.size());
    for (TensorHeader header : headers) {
      long start = dataStart + header.offset();
      tensors.add(
          new GgufTensor(
              header.name(),
              header.type(),
              header.dimensions(),
              bytes.asSlice(start, header.bytes()),
              file,
              start,
              presence));
    }
    return List.copyOf(tensors);
  }

  private static void checkOverlaps(GgufReader reader, List<TensorHeader> headers) {
    List<TensorHeader> byOffset = new ArrayList<>(headers);
    byOffset.sort(Comparator.comparingLong(TensorHeader::offset));
    for (int i = 1; i < byOffset.size(); i++) {
      TensorHeader first = byOffset.get(i - 1);
      TensorHeader second = byOffset.get(i);
      if (first.offset() + first.bytes() > second.offset()) {
        throw reader.error(
            second.at(),
            "tensors %s and %s overlap: the first takes bytes %d to %d of the data, the second starts at %d"
                .formatted(
                    quoted(first.name()),
                    quoted(second.name()),
                    first.offset(),
                    first.offset() + first.bytes(),
                    second.offset()));
      }
    }
  }
}
