package dev.sluice.model.training;

import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.store.Hashes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A folder of checkpoints of one training, {@code step-000001200.gguf} and so on, that survives
 * whatever happens to the process that writes it.
 *
 * <p>A checkpoint is written aside, forced to the disk, renamed, and the folder forced too; last
 * comes, in the same way, a file with its SHA-256 beside it ({@code step-000001200.gguf.sha256}, as
 * {@code sha256sum -c} reads it). So a checkpoint with a hash that fits is whole, and anything else
 * is not taken for one. What a killed process left half-written is removed when the store is
 * opened.
 *
 * <p>One store at a time writes to a folder, which a lock holds; {@link #latest(Path, Consumer)}
 * reads without it. For one thread.
 */
public final class CheckpointStore implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile("step-([0-9]{9,18})\\.gguf");
  private static final Pattern HASH_LINE = Pattern.compile("([0-9a-f]{64}) [ *](.{1,64})\\R?");
  private static final String HASH_SUFFIX = ".sha256";
  private static final String TEMPORARY_SUFFIX = ".tmp";
  private static final int HASH_FILE_LIMIT = 256;
  private static final int BUFFER_BYTES = 1 << 20;

  private final Path folder;
  private final int keep;
  private final Disk disk;
  private final FileChannel lock;

  /** A checkpoint whose hash was right when it was looked at. */
  public record Checkpoint(long step, Path file) {}

  /** How a file is written; tests put in a disk that is full. */
  interface Disk {
    Disk REAL =
        file ->
            new RealFile(
                FileChannel.open(
                    file,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE));

    NewFile create(Path file) throws IOException;
  }

  /** A file being written. */
  interface NewFile extends WritableByteChannel {
    /** Returns when all that was written is on the disk. */
    void force() throws IOException;
  }

  private record RealFile(FileChannel channel) implements NewFile {
    @Override
    public int write(ByteBuffer bytes) throws IOException {
      return channel.write(bytes);
    }

    @Override
    public void force() throws IOException {
      channel.force(true);
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /** Passes bytes on and hashes those that were taken. */
  private record Hashed(WritableByteChannel target, MessageDigest digest)
      implements WritableByteChannel {
    @Override
    public int write(ByteBuffer bytes) throws IOException {
      ByteBuffer seen = bytes.duplicate();
      int taken = target.write(bytes);
      digest.update(seen.limit(seen.position() + taken));
      return taken;
    }

    @Override
    public boolean isOpen() {
      return target.isOpen();
    }

    @Override
    public void close() throws IOException {
      target.close();
    }
  }

  private CheckpointStore(Path folder, int keep, Disk disk, FileChannel lock) {
    this.folder = folder;
    this.keep = keep;
    this.disk = disk;
    this.lock = lock;
  }

  /**
   * Opens a folder for writing, makes it where it is missing, and clears away what a killed process
   * left half-written.
   *
   * @param keep how many of the newest checkpoints stay, at least 1
   * @throws ModelFileException if the folder cannot be written, or another training writes to it
   */
  public static CheckpointStore open(Path folder, int keep) {
    return open(folder, keep, Disk.REAL);
  }

  static CheckpointStore open(Path folder, int keep, Disk disk) {
    if (keep < 1) {
      throw new IllegalArgumentException("keep " + keep + " checkpoints: at least 1 must stay");
    }
    try {
      Files.createDirectories(folder);
      FileChannel lock = lock(folder);
      try {
        removeTemporary(folder);
      } catch (IOException | RuntimeException e) {
        lock.close();
        throw e;
      }
      return new CheckpointStore(folder, keep, disk, lock);
    } catch (IOException e) {
      throw new ModelFileException(
          folder, "cannot be used as a folder of checkpoints: " + reason(e), e);
    }
  }

  /**
   * Writes a checkpoint, then removes the oldest ones beyond those to be kept. When it returns, the
   * checkpoint outlives a loss of power. When it throws, nothing of it is there, and earlier ones
   * are as they were.
   *
   * @return the file
   * @throws ModelFileException if it cannot be written, such as on a full disk
   */
  public Path save(long step, GgufWriter checkpoint) {
    Path file = folder.resolve(fileName(step));
    try {
      String hash = writeAndHash(aside(file), checkpoint);
      publish(file);
      Path hashFile = hashFile(file);
      writeText(aside(hashFile), hash + "  " + file.getFileName() + "\n");
      publish(hashFile);
    } catch (IOException e) {
      removeQuietly(aside(file));
      removeQuietly(aside(hashFile(file)));
      if (damage(file).isPresent()) { // else it is an earlier one of the same step
        removeQuietly(hashFile(file));
        removeQuietly(file);
      }
      throw new ModelFileException(file, "cannot be written: " + reason(e) + lastGood(step), e);
    }
    removeOld(step);
    return file;
  }

  /**
   * The newest checkpoint whose hash is right.
   *
   * @param warnings told of each newer one that is passed over: its file and what is wrong with it
   * @throws ModelFileException if the folder cannot be read
   */
  public Optional<Checkpoint> latest(Consumer<String> warnings) {
    return latest(folder, warnings);
  }

  /** As {@link #latest(Consumer)}, of a folder to which another process may write meanwhile. */
  public static Optional<Checkpoint> latest(Path folder, Consumer<String> warnings) {
    for (Checkpoint checkpoint : list(folder).reversed()) {
      Optional<String> damage = damage(checkpoint.file());
      if (damage.isEmpty()) {
        return Optional.of(checkpoint);
      }
      warnings.accept(checkpoint.file() + " is passed over: " + damage.get());
    }
    return Optional.empty();
  }

  /**
   * Checks one checkpoint against the hash beside it.
   *
   * @throws ModelFileException if it is not whole
   */
  public static void verify(Path file) {
    damage(file)
        .ifPresent(
            problem -> {
              throw new ModelFileException(file, problem);
            });
  }

  /** Lets another process write to the folder. */
  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      throw new ModelFileException(folder, "its lock cannot be given back: " + reason(e), e);
    }
  }

  private static String fileName(long step) {
    if (step < 0) {
      throw new IllegalArgumentException("step " + step + " is negative");
    }
    return String.format(Locale.ROOT, "step-%09d.gguf", step);
  }

  /** The checkpoints by name, whole or not, oldest first. */
  private static List<Checkpoint> list(Path folder) {
    List<Checkpoint> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.forEach(file -> step(file).ifPresent(step -> found.add(new Checkpoint(step, file))));
    } catch (IOException e) {
      throw new ModelFileException(folder, "cannot be read: " + reason(e), e);
    }
    found.sort(Comparator.comparingLong(Checkpoint::step));
    return found;
  }

  private static OptionalLong step(Path file) {
    Matcher name = NAME.matcher(String.valueOf(file.getFileName()));
    return name.matches() ? OptionalLong.of(Long.parseLong(name.group(1))) : OptionalLong.empty();
  }

  /** What is wrong with a checkpoint, if anything is. */
  private static Optional<String> damage(Path file) {
    Path hashFile = hashFile(file);
    try {
      if (!Files.isRegularFile(file)) {
        return Optional.of("there is no such file");
      }
      if (!Files.isRegularFile(hashFile)) {
        return Optional.of(hashFile.getFileName() + " is not beside it, so it may not be whole");
      }
      Matcher line = HASH_LINE.matcher(readHashFile(hashFile));
      if (!line.matches() || !line.group(2).equals(String.valueOf(file.getFileName()))) {
        return Optional.of(hashFile.getFileName() + " does not hold its SHA-256");
      }
      return hash(file).equals(line.group(1))
          ? Optional.empty()
          : Optional.of("it is damaged: its SHA-256 is not the one in " + hashFile.getFileName());
    } catch (IOException e) {
      return Optional.of("cannot be read: " + reason(e));
    }
  }

  private static String readHashFile(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      return new String(in.readNBytes(HASH_FILE_LIMIT), StandardCharsets.ISO_8859_1);
    }
  }

  private static String hash(Path file) throws IOException {
    MessageDigest digest = Hashes.sha256();
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    try (FileChannel channel = FileChannel.open(file)) {
      while (channel.read(buffer.clear()) >= 0) {
        digest.update(buffer.flip());
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * Writes a file to the disk itself; the hash is that of the bytes meant, not of those read back.
   */
  private String writeAndHash(Path file, GgufWriter checkpoint) throws IOException {
    MessageDigest digest = Hashes.sha256();
    try (NewFile out = disk.create(file)) {
      checkpoint.write(new Hashed(out, digest));
      out.force();
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private void writeText(Path file, String text) throws IOException {
    ByteBuffer bytes = StandardCharsets.US_ASCII.encode(text);
    try (NewFile out = disk.create(file)) {
      while (bytes.hasRemaining()) {
        int _ = out.write(bytes);
      }
      out.force();
    }
  }

  /** Gives a file that was written aside its name, for good. */
  private void publish(Path file) throws IOException {
    Files.move(
        aside(file), file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    forceFolder();
  }

  /** A rename is on the disk when its folder is. Systems that open no folders need no telling. */
  private void forceFolder() throws IOException {
    FileChannel channel;
    try {
      channel = FileChannel.open(folder, StandardOpenOption.READ);
    } catch (AccessDeniedException _) {
      return;
    }
    try (channel) {
      channel.force(true);
    }
  }

  /**
   * Removes what is older than the checkpoints to be kept. Newer files than the one just written
   * are of a run that was taken up again before them; they do not count, and are written anew when
   * this run gets there. The hash goes first: without it a checkpoint is none.
   */
  private void removeOld(long newest) {
    List<Checkpoint> counted =
        list(folder).stream().filter(checkpoint -> checkpoint.step() <= newest).toList();
    for (Checkpoint old : counted.subList(0, Math.max(0, counted.size() - keep))) {
      removeQuietly(hashFile(old.file()));
      removeQuietly(old.file());
    }
  }

  private String lastGood(long step) {
    return list(folder).stream()
        .filter(checkpoint -> checkpoint.step() != step && damage(checkpoint.file()).isEmpty())
        .reduce((_, later) -> later)
        .map(checkpoint -> "; the last good one is " + checkpoint.file().getFileName())
        .orElse("; there is no earlier one");
  }

  private static FileChannel lock(Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean held = false;
    try {
      held = channel.tryLock() != null;
    } catch (OverlappingFileLockException _) {
      // Held by this very process: not ours all the same.
    } finally {
      if (!held) {
        channel.close();
      }
    }
    if (!held) {
      throw new ModelFileException(folder, "another training is writing to this folder");
    }
    return channel;
  }

  private static void removeTemporary(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.startsWith("step-") && name.endsWith(TEMPORARY_SUFFIX)) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private static void removeQuietly(Path file) {
    boolean _ = file.toFile().delete(); // what stays is removed when the store is next opened
  }

  private static Path hashFile(Path file) {
    return file.resolveSibling(file.getFileName() + HASH_SUFFIX);
  }

  private static Path aside(Path file) {
    return file.resolveSibling(file.getFileName() + TEMPORARY_SUFFIX);
  }

  private static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException _ -> "access is denied";
      case NoSuchFileException _ -> "there is no such folder";
      case FileSystemException named when named.getReason() != null -> named.getReason();
      default -> String.valueOf(e.getMessage());
    };
  }
}
