package dev.sluice.transport;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of an embedded driver, and that nothing stays of it: removed on close, by a hook when
 * the process ends without, and by the next process when this one was killed.
 *
 * <p>A fresh one is {@code sluice-PID-RANDOM} with the file {@code owner} beside Aeron's folder.
 * The process that made it holds a lock on that file, which the system lets go when the process
 * dies, in whatever way and in whatever container.
 */
final class DriverDirectory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DriverDirectory.class);
  private static final String PREFIX = "sluice-";
  private static final String OWNER = "owner";
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  /**
   * Containers have 64 MiB of shared memory by default, too little for a pipeline: see the sums.
   */
  private static final long WANTED_BYTES = 256L << 20;

  /** So old, a folder without a lock is not one that is being made. */
  private static final long MIN_AGE_MILLIS = 60_000;

  private final Path root;
  private final Path aeron;
  private final @Nullable FileChannel owner;
  private final Thread hook = new Thread(this::removeAll, "sluice-remove-driver-directory");

  /** Whether it is this process's to remove. */
  private volatile boolean owned;

  private DriverDirectory(Path root, Path aeron, @Nullable FileChannel owner) {
    this.root = root;
    this.aeron = aeron;
    this.owner = owner;
    owned = owner != null;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** A fresh, private folder. */
  static DriverDirectory fresh() throws IOException {
    Path base = base();
    removeLeftBehind(base);
    Path root =
        Files.createTempDirectory(
            base, PREFIX + ProcessHandle.current().pid() + "-", privateToUser());
    FileChannel owner = null;
    try {
      owner =
          FileChannel.open(
              root.resolve(OWNER), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      owner.lock();
      return new DriverDirectory(root, root.resolve("aeron"), owner);
    } catch (IOException | RuntimeException e) {
      if (owner != null) {
        owner.close();
      }
      remove(root);
      throw e;
    }
  }

  /**
   * A folder that somebody chose. The driver empties it, so it must not hold anything else. It may
   * be the folder of a driver that runs: it is ours after {@link #driverRuns()}.
   *
   * @throws TransportException if it does
   */
  static DriverDirectory chosen(Path directory) throws IOException {
    if (Files.exists(directory) && Files.notExists(directory.resolve("cnc.dat"))) {
      try (Stream<Path> files = Files.list(directory)) {
        if (files.findAny().isPresent()) {
          throw new TransportException(
              directory
                  + " is to be the media driver's and would be emptied, but holds other files: name"
                  + " a folder that is not there yet");
        }
      } catch (NotDirectoryException e) {
        throw new TransportException(directory + " is no folder", e);
      }
    }
    return new DriverDirectory(directory, directory, null);
  }

  /** Where the driver keeps its files. */
  Path aeron() {
    return aeron;
  }

  /** A driver of this process runs in it. */
  void driverRuns() {
    owned = true;
  }

  @Override
  public void close() {
    removeAll();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      LOG.debug("The process is ending: the hook finds {} removed", root);
    }
  }

  private void removeAll() {
    if (owned) {
      remove(root);
    }
    try {
      if (owner != null) {
        owner.close();
      }
    } catch (IOException e) {
      LOG.warn("Cannot close {}", root.resolve(OWNER), e);
    }
  }

  private static Path base() {
    try {
      if (Files.isDirectory(SHARED_MEMORY)
          && Files.isWritable(SHARED_MEMORY)
          && Files.getFileStore(SHARED_MEMORY).getUsableSpace() >= WANTED_BYTES) {
        return SHARED_MEMORY;
      }
    } catch (IOException e) {
      LOG.debug("Cannot ask {} for its space", SHARED_MEMORY, e);
    }
    return Path.of(System.getProperty("java.io.tmpdir"));
  }

  private static FileAttribute<?>[] privateToUser() {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
        }
        : new FileAttribute<?>[0];
  }

  /** Removes what processes left that were killed. Never that of this process: see FileLock. */
  private static void removeLeftBehind(Path base) {
    String own = PREFIX + ProcessHandle.current().pid() + "-";
    try (Stream<Path> all = Files.list(base)) {
      for (Path root : all.toList()) {
        String name = root.getFileName().toString();
        if (name.startsWith(PREFIX) && !name.startsWith(own) && isLeftBehind(root)) {
          remove(root);
        }
      }
    } catch (IOException e) {
      LOG.debug("Cannot look for what others left in {}", base, e);
    }
  }

  private static boolean isLeftBehind(Path root) {
    Path file = root.resolve(OWNER);
    try {
      if (!Files.isRegularFile(file)
          || System.currentTimeMillis() - Files.getLastModifiedTime(file).toMillis()
              < MIN_AGE_MILLIS) {
        return false;
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
          FileLock lock = channel.tryLock()) {
        return lock != null;
      }
    } catch (IOException e) {
      return false;
    }
  }

  /** Removes a folder and all in it; what is gone already is no matter. */
  private static void remove(Path root) {
    List<Path> paths;
    try (Stream<Path> all = Files.walk(root)) {
      paths = all.sorted(Comparator.reverseOrder()).toList();
    } catch (NoSuchFileException e) {
      return;
    } catch (IOException | java.io.UncheckedIOException e) {
      LOG.warn("Cannot list {}", root, e);
      return;
    }
    for (Path path : paths) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        LOG.warn("Cannot remove {}", path, e);
      }
    }
  }
}
