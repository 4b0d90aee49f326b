package dev.sluice.ops.store;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A web server of files that breaks off, forgets ranges, or changes a file when told to. */
final class WebServer implements AutoCloseable {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-");

  private final HttpServer server;
  private final Map<String, byte[]> files = new ConcurrentHashMap<>();
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private volatile int breakAfter = Integer.MAX_VALUE;
  private final AtomicInteger breaks = new AtomicInteger();

  WebServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.start();
  }

  String url(String path) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + path;
  }

  void put(String path, byte[] bytes) {
    files.put(path, bytes);
  }

  /** The next {@code times} answers end after so many bytes. */
  void breakOff(int bytes, int times) {
    breakAfter = bytes;
    breaks.set(times);
  }

  /** Path and range of each request. */
  List<String> asked() {
    return asked;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      String range = exchange.getRequestHeaders().getFirst("Range");
      asked.add(path + (range == null ? "" : " " + range));
      byte[] file = files.get(path);
      if (file == null) {
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      String tag = "\"" + Arrays.hashCode(file) + "\"";
      exchange.getResponseHeaders().set("ETag", tag);
      int from = 0;
      Matcher wanted = RANGE.matcher(range == null ? "" : range);
      if (wanted.matches() && tag.equals(exchange.getRequestHeaders().getFirst("If-Range"))) {
        from = Integer.parseInt(wanted.group(1));
        exchange
            .getResponseHeaders()
            .set("Content-Range", "bytes " + from + "-" + (file.length - 1) + "/" + file.length);
      }
      exchange.sendResponseHeaders(from > 0 ? 206 : 200, file.length - from);
      OutputStream out = exchange.getResponseBody();
      int count = file.length - from;
      if (breaks.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        count = Math.min(count, breakAfter);
      }
      out.write(file, from, count);
      out.flush();
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
