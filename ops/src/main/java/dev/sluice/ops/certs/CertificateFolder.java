package dev.sluice.ops.certs;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.ops.CommandException;
import dev.sluice.ops.certs.CertificateAuthority.Issued;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A folder with an authority ({@code ca.pem}, {@code ca-key.pem}), the cluster's {@code secret},
 * and nodes' certificates and keys ({@code NAME.pem}, {@code NAME-key.pem}). Keys and secret are
 * for their owner alone. Nothing is ever written over.
 */
final class CertificateFolder {
  /** Of the secret, before it is written in Base64. */
  private static final int SECRET_BYTES = 32;

  private static final int MAX_BYTES = 64 << 10;

  private final Path folder;

  CertificateFolder(Path folder) {
    this.folder = folder;
  }

  Path caCertificate() {
    return folder.resolve("ca.pem");
  }

  Path caKey() {
    return folder.resolve("ca-key.pem");
  }

  Path secret() {
    return folder.resolve("secret");
  }

  Path certificate(String node) {
    return folder.resolve(node + ".pem");
  }

  Path key(String node) {
    return folder.resolve(node + "-key.pem");
  }

  void writeAuthority(CertificateAuthority authority) {
    byte[] drawn = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(drawn);
    Issued issued = authority.issued();
    Map<Path, String> files = new LinkedHashMap<>();
    files.put(caKey(), issued.key());
    files.put(secret(), Base64.getEncoder().encodeToString(drawn) + "\n");
    files.put(caCertificate(), issued.certificate());
    write(files, Set.of(caCertificate()));
  }

  void writeNode(String node, Issued issued) {
    Map<Path, String> files = new LinkedHashMap<>();
    files.put(key(node), issued.key());
    files.put(certificate(node), issued.certificate());
    write(files, Set.of(certificate(node)));
  }

  CertificateAuthority readAuthority() {
    try {
      return CertificateAuthority.of(new Issued(read(caCertificate()), read(caKey())));
    } catch (NoSuchFileException e) {
      throw new CommandException(
          e.getFile() + ": not there; 'sluice certs init -o " + folder + "' makes an authority", e);
    } catch (IOException e) {
      throw new CommandException(folder + ": the authority cannot be read: " + e.getMessage(), e);
    }
  }

  private static String read(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException(file + " is too long");
    }
    return Files.readString(file, UTF_8);
  }

  private void write(Map<Path, String> files, Set<Path> open) {
    try {
      Files.createDirectories(folder);
      for (Path file : files.keySet()) {
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
          throw new FileAlreadyExistsException(file.toString());
        }
      }
      for (Map.Entry<Path, String> file : files.entrySet()) {
        write(file.getKey(), file.getValue(), open.contains(file.getKey()));
      }
    } catch (FileAlreadyExistsException e) {
      throw new CommandException(
          e.getFile()
              + ": is there already, and nothing is written over; remove it or name"
              + " another folder",
          e);
    } catch (IOException e) {
      throw new CommandException(folder + ": cannot be written: " + e.getMessage(), e);
    }
  }

  private void write(Path file, String text, boolean open) throws IOException {
    FileAttribute<?>[] attributes =
        folder.getFileSystem().supportedFileAttributeViews().contains("posix")
            ? new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(
                  PosixFilePermissions.fromString(open ? "rw-r--r--" : "rw-------"))
            }
            : new FileAttribute<?>[0];
    Set<StandardOpenOption> options =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    try (SeekableByteChannel channel = Files.newByteChannel(file, options, attributes)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(US_ASCII));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
  }
}
