package dev.sluice.ops.store;

import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.store.Hashes;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.StoredModel;
import dev.sluice.ops.CommandException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Fetches a model from the web into a folder of its own in the store's {@code incoming}, one file
 * after another, and hands it to the store when it is whole. What was broken off stays there for
 * two weeks, and the next try goes on from it.
 */
final class Download {
  private static final Pattern SPLIT =
      Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf", Pattern.DOTALL);
  private static final int MAX_PARTS = 1000;
  private static final Duration KEPT = Duration.ofDays(14);

  private final ModelStore store;
  private final long maxBytes;
  private final @Nullable String sha256;
  private final Duration pause;

  /** How far a download is; {@code total} is 0 while it is unknown. */
  interface Watcher {
    void at(long done, long total);
  }

  /**
   * A download that refuses files of more than {@code maxBytes}, and waits for {@code pause}, and
   * then twice as long each time, before it tries again.
   */
  Download(ModelStore store, long maxBytes, @Nullable String sha256, Duration pause) {
    this.store = store;
    this.maxBytes = maxBytes;
    this.sha256 = sha256;
    this.pause = pause;
  }

  /** Brings the model of a URL; the caller closes it. */
  StoredModel run(String url, Watcher watcher) {
    List<URI> files = files(uri(url));
    if (sha256 != null && files.size() > 1) {
      throw new CommandException("--sha256 is for one file; " + shown(url) + " is split");
    }
    try {
      clearOld();
      Path folder = Files.createDirectories(store.incoming().resolve(key(files.getFirst())));
      try (FileChannel lock = lock(folder, url);
          HttpClient client =
              HttpClient.newBuilder()
                  .followRedirects(HttpClient.Redirect.NORMAL)
                  .connectTimeout(Duration.ofSeconds(20))
                  .build()) {
        assert lock.isOpen();
        List<Path> whole = new ArrayList<>();
        for (int i = 0; i < files.size(); i++) {
          Path file = folder.resolve(fileName(i, files.size()));
          if (!Files.exists(file)) {
            WebFile web = new WebFile(client, files.get(i), maxBytes, pause);
            web.fetch(folder.resolve("part-" + i), file, watcher);
          }
          whole.add(file);
        }
        return takeOver(folder, whole);
      }
    } catch (IOException e) {
      throw new CommandException(shown(url) + ": " + e.getMessage(), e);
    }
  }

  private StoredModel takeOver(Path folder, List<Path> whole) throws IOException {
    try {
      if (sha256 != null) {
        check(whole, sha256);
      }
      StoredModel model = store.adopt(whole.getFirst());
      remove(folder);
      return model;
    } catch (CommandException | ModelFileException e) {
      remove(folder); // what is whole and wrong is of no use for the next try
      throw e;
    }
  }

  /** Fixed names, so that what a server calls its files never becomes a path. */
  private static String fileName(int part, int parts) {
    return parts == 1
        ? "model.gguf"
        : String.format(Locale.ROOT, "model-%05d-of-%05d.gguf", part + 1, parts);
  }

  private static URI uri(String url) {
    try {
      URI uri = URI.create(url);
      if (uri.getHost() == null) {
        throw new CommandException(shown(url) + ": is no URL of a file: the host is missing");
      }
      return uri;
    } catch (IllegalArgumentException e) {
      throw new CommandException(shown(url) + ": is no URL: " + e.getMessage(), e);
    }
  }

  /** All parts where the name is that of one part of a split model. */
  static List<URI> files(URI uri) {
    String text = uri.toString();
    int end = text.indexOf('?') < 0 ? text.length() : text.indexOf('?');
    Matcher name = SPLIT.matcher(text.substring(0, end));
    if (!name.matches()) {
      return List.of(uri);
    }
    int count = Integer.parseInt(name.group(3));
    if (count < 1 || count > MAX_PARTS) {
      throw new CommandException(shown(text) + ": " + count + " parts; 1 to 1000 are supported");
    }
    List<URI> parts = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      parts.add(
          URI.create(
              String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", name.group(1), i, count)
                  + text.substring(end)));
    }
    return parts;
  }

  /** A URL without what may be secret in it: user, password, query. */
  static String shown(String url) {
    return url.replaceFirst("[?#].*$", "").replaceFirst("//[^/]*@", "//");
  }

  private static String key(URI uri) {
    byte[] hash = Hashes.sha256().digest(uri.toString().getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(hash, 0, 16);
  }

  private static FileChannel lock(Path folder, String url) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = null;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException _) {
      // held by this very process
    } finally {
      if (lock == null) {
        channel.close();
      }
    }
    if (lock == null) {
      throw new CommandException(shown(url) + ": another process is pulling it");
    }
    return channel;
  }

  /** Compares a file's SHA-256 with the one that it must have. */
  static void check(List<Path> files, String expected) {
    if (files.size() > 1) {
      throw new CommandException("--sha256 is for one file, and the model is split");
    }
    MessageDigest digest = Hashes.sha256();
    byte[] buffer = new byte[1 << 20];
    try (var in = Files.newInputStream(files.getFirst())) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
      }
    } catch (IOException e) {
      throw new CommandException(files.getFirst() + ": cannot be read: " + e.getMessage(), e);
    }
    String found = HexFormat.of().formatHex(digest.digest());
    if (!found.equals(expected.toLowerCase(Locale.ROOT))) {
      throw new CommandException(
          "the file's SHA-256 is " + found + ", not the one of --sha256; it was not taken");
    }
  }

  private void clearOld() throws IOException {
    try (Stream<Path> folders = Files.list(store.incoming())) {
      for (Path folder : folders.toList()) {
        Instant changed = Files.getLastModifiedTime(folder).toInstant();
        if (changed.isBefore(Instant.now().minus(KEPT))) {
          remove(folder);
        }
      }
    }
  }

  /** Downloads have files only, no folders in them. */
  private static void remove(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(folder);
  }
}
