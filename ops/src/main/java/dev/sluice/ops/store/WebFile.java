package dev.sluice.ops.store;

import dev.sluice.ops.Bytes;
import dev.sluice.ops.CommandException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One file from the web, fetched in as many tries as it takes: each goes on where the last one was
 * broken off, if the server still has the same file. It gives up after some tries that brought
 * nothing, and when nothing comes for a minute.
 */
final class WebFile {
  private static final int MAX_VAIN_TRIES = 5;
  private static final Duration STALL = Duration.ofSeconds(60);
  private static final int BUFFER_BYTES = 1 << 18;
  private static final int MAX_TAG_CHARACTERS = 1000;
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-\\d+/(\\d+)");
  private static final byte[] MAGIC = "GGUF".getBytes(StandardCharsets.US_ASCII);

  private final HttpClient client;
  private final URI uri;
  private final long maxBytes;
  private final Duration pause;

  /** {@code pause} comes after the first try in vain, and is doubled after each further one. */
  WebFile(HttpClient client, URI uri, long maxBytes, Duration pause) {
    this.client = client;
    this.uri = uri;
    this.maxBytes = maxBytes;
    this.pause = pause;
  }

  /** What of the file a response brings. */
  private record Body(InputStream bytes, long from, long total) {}

  /** Fetches into {@code part}, which may hold a beginning, and renames it to {@code file}. */
  void fetch(Path part, Path file, Download.Watcher watcher) throws IOException {
    int vain = 0;
    while (true) {
      long before = Files.exists(part) ? Files.size(part) : 0;
      try {
        attempt(part, watcher);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        Files.deleteIfExists(tagFile(part));
        return;
      } catch (IOException e) {
        long after = Files.exists(part) ? Files.size(part) : 0;
        vain = after > before ? 0 : vain + 1;
        if (vain >= MAX_VAIN_TRIES) {
          throw new CommandException(
              "%s: broken off at %s, and %d tries to go on brought nothing: %s; pull it again to go on"
                  .formatted(shown(), Bytes.text(after), vain, reason(e)),
              e);
        }
        rest(pause.multipliedBy(1L << vain));
      }
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  private String shown() {
    return Download.shown(uri.toString());
  }

  private void rest(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException(shown() + ": interrupted", e);
    }
  }

  private void attempt(Path part, Download.Watcher watcher) throws IOException {
    try (FileChannel out =
        FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      Optional<Body> body = request(part, out.size());
      if (body.isEmpty()) {
        return; // all of it is here
      }
      try (InputStream bytes = body.get().bytes()) {
        checkRoom(part, body.get());
        out.truncate(body.get().from());
        copy(body.get(), bytes, out, watcher);
        out.force(true);
      }
    }
  }

  /** Asks for what is missing; nothing if nothing is. */
  private Optional<Body> request(Path part, long here) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(STALL)
            .header("Accept-Encoding", "identity")
            .header("User-Agent", "sluice");
    Optional<String> tag = here > 0 ? readTag(part) : Optional.empty();
    long from = tag.isPresent() ? here : 0;
    tag.ifPresent(
        known -> request.header("Range", "bytes=" + here + "-").header("If-Range", known));
    HttpResponse<InputStream> response;
    try {
      response = client.send(request.build(), BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException(shown() + ": interrupted", e);
    }
    return switch (response.statusCode()) {
      case 200 -> {
        writeTag(part, response);
        long length = response.headers().firstValueAsLong("Content-Length").orElse(0);
        yield Optional.of(new Body(response.body(), 0, length));
      }
      case 206 -> {
        String text = response.headers().firstValue("Content-Range").orElse("");
        Matcher range = CONTENT_RANGE.matcher(text);
        if (!range.matches() || Long.parseLong(range.group(1)) != from) {
          response.body().close();
          Files.deleteIfExists(tagFile(part));
          throw new IOException("the server answered with another range: " + text);
        }
        yield Optional.of(new Body(response.body(), from, Long.parseLong(range.group(2))));
      }
      case 416 -> {
        response.body().close();
        Files.deleteIfExists(tagFile(part)); // begin anew, unless it is all here
        if (response.headers().firstValue("Content-Range").orElse("").equals("bytes */" + here)) {
          yield Optional.empty();
        }
        throw new IOException("the server has no such range");
      }
      case 408, 429, 500, 502, 503, 504 -> {
        response.body().close();
        throw new IOException("the server answered " + response.statusCode());
      }
      default -> {
        response.body().close();
        throw new CommandException(
            shown() + ": the server answered " + response.statusCode() + meaning(response));
      }
    };
  }

  private static String meaning(HttpResponse<?> response) {
    return switch (response.statusCode()) {
      case 401, 403 -> ", access is denied";
      case 404 -> ", there is no such file";
      case 301, 302, 303, 307, 308 -> ", a redirection that is not followed";
      default -> "";
    };
  }

  private void checkRoom(Path part, Body body) throws IOException {
    if (body.total() > maxBytes) {
      throw new CommandException(
          "%s: is %s, more than %s (--max-size allows more)"
              .formatted(shown(), Bytes.text(body.total()), Bytes.text(maxBytes)));
    }
    long usable = Files.getFileStore(part).getUsableSpace();
    if (body.total() - body.from() > usable) {
      throw new CommandException(
          "%s: needs %s more, but %s has only %s free"
              .formatted(
                  shown(),
                  Bytes.text(body.total() - body.from()),
                  part.getParent(),
                  Bytes.text(usable)));
    }
  }

  private void copy(Body body, InputStream in, FileChannel out, Download.Watcher watcher)
      throws IOException {
    long at = body.from();
    byte[] buffer = new byte[BUFFER_BYTES];
    AtomicLong lastRead = new AtomicLong(System.nanoTime());
    Thread guard = Thread.ofVirtual().start(() -> guard(in, lastRead));
    try {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        lastRead.set(System.nanoTime());
        checkMagic(buffer, at, count);
        if (at + count > maxBytes) {
          throw new CommandException(
              shown() + ": is more than " + Bytes.text(maxBytes) + " (--max-size allows more)");
        }
        ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
        while (bytes.hasRemaining()) {
          at += out.write(bytes, at);
        }
        watcher.at(at, body.total());
      }
    } finally {
      guard.interrupt();
    }
    if (body.total() > 0 && at != body.total()) {
      throw new IOException("%d of %d bytes came".formatted(at, body.total()));
    }
  }

  /** So that a page that says something else is not fetched to its end. */
  private void checkMagic(byte[] buffer, long at, int count) {
    for (int i = 0; i < count && at + i < MAGIC.length; i++) {
      if (buffer[i] != MAGIC[(int) at + i]) {
        throw new CommandException(shown() + ": is no GGUF file");
      }
    }
  }

  /** Ends a read for which nothing comes. */
  private static void guard(InputStream in, AtomicLong lastRead) {
    try {
      while (System.nanoTime() - lastRead.get() < STALL.toNanos()) {
        Thread.sleep(Duration.ofSeconds(1));
      }
      in.close();
    } catch (InterruptedException | IOException _) {
      // the read is over
    }
  }

  private static Path tagFile(Path part) {
    return part.resolveSibling(part.getFileName() + ".tag");
  }

  /** What tells this file of the server's from a later one: a strong tag, or the time. */
  private static void writeTag(Path part, HttpResponse<?> response) throws IOException {
    String tag =
        response
            .headers()
            .firstValue("ETag")
            .filter(text -> !text.startsWith("W/"))
            .or(() -> response.headers().firstValue("Last-Modified"))
            .orElse("");
    if (tag.isEmpty() || tag.length() > MAX_TAG_CHARACTERS) {
      Files.deleteIfExists(tagFile(part));
    } else {
      Files.writeString(tagFile(part), tag);
    }
  }

  private static Optional<String> readTag(Path part) throws IOException {
    Path file = tagFile(part);
    if (!Files.isRegularFile(file) || Files.size(file) > 4L * MAX_TAG_CHARACTERS) {
      return Optional.empty();
    }
    return Optional.of(Files.readString(file)).filter(tag -> tag.matches("[ -~]+"));
  }
}
