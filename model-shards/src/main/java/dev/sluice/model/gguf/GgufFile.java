package dev.sluice.model.gguf;

import static dev.sluice.model.gguf.GgufReader.quoted;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A GGUF model, open and mapped read-only into memory (or given as bytes): version 2 or 3, in one
 * file or split in parts, with tensors or with a vocabulary only.
 *
 * <p>Opening reads the header and checks all of it; weights and long arrays of metadata are read
 * when asked for. For any thread. Who opens it closes it, after everything that uses its tensors or
 * metadata; any use after that throws {@link IllegalStateException}. The file must not change while
 * it is open: reading what another process has cut off meanwhile is an {@link InternalError}.
 */
public final class GgufFile implements AutoCloseable {
  private final Arena arena;
  private final Presence presence;
  private final boolean mapped;
  private final List<GgufPart> parts;
  private final Map<String, GgufTensor> tensors = new LinkedHashMap<>();

  private GgufFile(Arena arena, Presence presence, boolean mapped, List<GgufPart> parts) {
    this.arena = arena;
    this.presence = presence;
    this.mapped = mapped;
    this.parts = parts;
    for (GgufPart part : parts) {
      for (GgufTensor tensor : part.tensors()) {
        GgufTensor other = tensors.putIfAbsent(tensor.name(), tensor);
        if (other != null) {
          throw new ModelFileException(
              tensor.file(),
              "tensor "
                  + quoted(tensor.name())
                  + " is there a second time, also in "
                  + other.file());
        }
      }
    }
  }

  /**
   * Opens a model. Of a split model any part may be named; all parts must lie in one folder.
   *
   * @throws ModelFileException if it cannot be read or is no valid GGUF model of a supported kind
   */
  public static GgufFile open(Path file) {
    return open(file, Presence.WHOLE);
  }

  /**
   * Opens a model whose files have holes. The header must be there; a tensor that is not throws
   * when its data is asked for.
   *
   * @param presence closed with the model, and also when this throws
   * @throws MissingBytesException if a part of the header is not there, naming the first such byte
   * @throws ModelFileException as {@link #open(Path)}
   */
  @SuppressWarnings("MustBeClosedChecker") // the GgufFile owns the arena and closes it
  public static GgufFile open(Path file, Presence presence) {
    Arena arena = Arena.ofShared();
    try {
      GgufPart asked = GgufPart.map(file, arena, presence);
      return new GgufFile(arena, presence, true, GgufSplit.parts(asked, arena, presence));
    } catch (Throwable e) {
      arena.close();
      presence.close();
      throw e;
    }
  }

  /**
   * Opens a model that is in memory, in one part; the bytes are copied.
   *
   * @param name what {@link #path} answers, for messages; nothing need be there
   * @throws ModelFileException if it is no valid GGUF model of a supported kind
   */
  @SuppressWarnings("MustBeClosedChecker") // the GgufFile owns the arena and closes it
  public static GgufFile of(Path name, byte[] bytes) {
    Arena arena = Arena.ofShared();
    try {
      GgufPart part = GgufPart.of(name, bytes, arena);
      return new GgufFile(
          arena, Presence.WHOLE, false, GgufSplit.parts(part, arena, Presence.WHOLE));
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /** The file; of a split model, its first part. */
  public Path path() {
    return parts.getFirst().file();
  }

  /** The version of the format: 2 or 3. */
  public int version() {
    return parts.getFirst().version();
  }

  /** The metadata; of a split model, that of its first part. */
  public GgufMetadata metadata() {
    return parts.getFirst().metadata();
  }

  /** All tensors in the order of the file or files. Empty for a vocabulary. */
  public Collection<GgufTensor> tensors() {
    return Collections.unmodifiableCollection(tensors.values());
  }

  /** The tensor of that name, if there is one. */
  public Optional<GgufTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * The tensor of that name.
   *
   * @throws ModelFileException if there is none
   */
  public GgufTensor tensor(String name) {
    GgufTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new ModelFileException(path(), "tensor " + quoted(name) + " is missing");
    }
    return tensor;
  }

  /** Size of the file in bytes; of a split model, of all parts together. */
  public long bytes() {
    return parts.stream().mapToLong(part -> part.contents().byteSize()).sum();
  }

  /** Whether the model is mapped from files, not given as bytes. */
  public boolean mapped() {
    return mapped;
  }

  /** The files in order: one, or all parts of a split model. */
  public List<Path> files() {
    return parts.stream().map(GgufPart::file).toList();
  }

  /**
   * Every byte of file {@code part} as it is on the disk, read-only, without a look at what is
   * missing of it.
   */
  public MemorySegment contents(int part) {
    return parts.get(part).contents();
  }

  /** Unmaps the file. Every segment taken from it becomes invalid. Closing twice is fine. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
      presence.close();
    }
  }
}
