package dev.sluice.model.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/** Files that are whole or not there, whenever the process or the power goes. */
final class Disk {
  private static final String ASIDE_SUFFIX = ".aside";

  private Disk() {}

  /**
   * Writes aside, forces, renames, forces the folder. When it throws, {@code file} is as it was.
   */
  static void write(Path file, byte[] bytes) throws IOException {
    Path aside = file.resolveSibling(UUID.randomUUID() + ASIDE_SUFFIX);
    try {
      try (FileChannel out =
          FileChannel.open(aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        writeAll(out, ByteBuffer.wrap(bytes), 0);
        out.force(true);
      }
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      forceFolder(file);
    } finally {
      Files.deleteIfExists(aside);
    }
  }

  static void writeAll(FileChannel out, ByteBuffer bytes, long offset) throws IOException {
    long at = offset;
    while (bytes.hasRemaining()) {
      at += out.write(bytes, at);
    }
  }

  /**
   * Reads a small file.
   *
   * @throws IOException also if it is larger than {@code most} bytes
   */
  static byte[] read(Path file, int most) throws IOException {
    try (var in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw new IOException("it is larger than " + most + " bytes");
      }
      return bytes;
    }
  }

  /** A rename is on the disk when its folder is. Systems that open no folders need no telling. */
  static void forceFolder(Path child) throws IOException {
    Path folder = child.toAbsolutePath().getParent();
    if (folder == null) {
      return;
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (AccessDeniedException _) {
      // a system that opens no folders
    }
  }

  /** The files and folders directly in {@code folder}, by name; none where there is no folder. */
  static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (NoSuchFileException _) {
      return List.of();
    }
  }

  /** Removes a folder with all that is in it, following no links. */
  static void removeTree(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (NoSuchFileException _) {
      // gone already
    }
  }

  /** Whether a file is one that {@link #write} left when it was killed. */
  static boolean isAside(Path file) {
    return file.toString().endsWith(ASIDE_SUFFIX);
  }

  /** What an I/O failure says, without the path again. */
  static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException _ -> "access is denied";
      case NoSuchFileException missing -> "there is no " + missing.getFile();
      case FileAlreadyExistsException _ -> "there is a file of that name";
      case FileSystemException named when named.getReason() != null -> named.getReason();
      default -> String.valueOf(e.getMessage());
    };
  }
}
