package dev.sluice.actors.kept;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A temporary file in a folder that only this user can enter. Where the system lets open files be
 * removed, it is removed at once, so that nothing stays behind even when the process is killed;
 * elsewhere by {@link #close}.
 */
final class BlockFile implements AutoCloseable {
  private final Path folder;
  private final Path path;
  private final FileChannel channel;

  private BlockFile(Path folder, Path path, FileChannel channel) {
    this.folder = folder;
    this.path = path;
    this.channel = channel;
  }

  static BlockFile create(String prefix) throws IOException {
    Path folder = Files.createTempDirectory(prefix);
    try {
      Path path = folder.resolve("blocks");
      BlockFile file = new BlockFile(folder, path, FileChannel.open(path, CREATE_NEW, READ, WRITE));
      file.remove();
      return file;
    } catch (IOException e) {
      Files.deleteIfExists(folder);
      throw e;
    }
  }

  void write(long offset, MemorySegment block) throws IOException {
    ByteBuffer bytes = block.asByteBuffer();
    long at = offset;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }

  void read(long offset, MemorySegment target) throws IOException {
    ByteBuffer bytes = target.asByteBuffer();
    long at = offset;
    while (bytes.hasRemaining()) {
      int n = channel.read(bytes, at);
      if (n < 0) {
        throw new EOFException("the file ends at " + at);
      }
      at += n;
    }
  }

  private void remove() {
    try {
      Files.deleteIfExists(path);
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      // Not while it is open, then; close() tries again.
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // Nobody reads it any more.
    }
    remove();
  }
}
