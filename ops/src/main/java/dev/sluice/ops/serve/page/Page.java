package dev.sluice.ops.serve.page;

import akka.http.javadsl.model.ContentType;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpCharsets;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.headers.RawHeader;
import dev.sluice.model.store.Hashes;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Route;
import dev.sluice.ops.serve.http.Scope;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * {@code GET /} and {@code GET /assets/NAME}. The page may load and ask nothing but this server;
 * what it shows of a model's answers is cleaned first, and could run no script besides.
 */
public final class Page {
  private static final String INDEX = "index.html";

  /** Our own files. */
  private static final List<String> OWN =
      List.of(
          INDEX,
          "icon.svg",
          "page.css",
          "live.css",
          "main.js",
          "api.js",
          "chat.js",
          "controls.js",
          "format.js",
          "live.js",
          "markdown.js",
          "message.js",
          "pipeline.js",
          "theme.js",
          "timeline.js",
          "tokens.js");

  private static final List<HttpHeader> HEADERS =
      List.of(
          RawHeader.create(
              "Content-Security-Policy",
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
                  + " connect-src 'self'; base-uri 'none'; form-action 'none';"
                  + " frame-ancestors 'none'"),
          RawHeader.create("X-Content-Type-Options", "nosniff"),
          RawHeader.create("Referrer-Policy", "no-referrer"),
          RawHeader.create("Cross-Origin-Opener-Policy", "same-origin"),
          RawHeader.create("Cache-Control", "no-cache"));

  private final Map<String, Asset> assets = new LinkedHashMap<>();

  private record Asset(HttpResponse whole, HttpResponse unchanged, String tag) {}

  private Page() {
    for (String name : OWN) {
      assets.put(name, asset(name, read(name)));
    }
    assets.put("marked.js", asset("marked.js", library("marked", "lib/marked.esm.js")));
    assets.put("purify.js", asset("purify.js", library("dompurify", "dist/purify.es.mjs")));
  }

  /** The routes; every file is read once, now. */
  public static List<Route> routes() {
    Page page = new Page();
    return List.of(
        Route.get("/", Scope.OPEN, call -> page.get(INDEX, call)),
        Route.get("/assets/", Scope.OPEN, call -> page.get(call.rest(), call)));
  }

  private HttpResponse get(String name, Call call) {
    Asset asset = assets.get(name);
    if (asset == null) {
      throw ApiException.refused(404, "unknown_path", "the page has no such file");
    }
    boolean has = call.header("if-none-match").filter(asset.tag::equals).isPresent();
    return has ? asset.unchanged : asset.whole;
  }

  private static Asset asset(String name, byte[] content) {
    String tag = '"' + HexFormat.of().formatHex(Hashes.sha256().digest(content), 0, 16) + '"';
    HttpResponse head =
        HttpResponse.create().addHeaders(HEADERS).addHeader(RawHeader.create("ETag", tag));
    return new Asset(
        head.withEntity(HttpEntities.create(type(name), content)), head.withStatus(304), tag);
  }

  private static ContentType type(String name) {
    return switch (name.substring(name.lastIndexOf('.') + 1)) {
      case "html" -> ContentTypes.TEXT_HTML_UTF8;
      case "css" -> MediaTypes.TEXT_CSS.toContentType(HttpCharsets.UTF_8);
      case "svg" -> MediaTypes.IMAGE_SVG_XML.toContentType();
      default -> MediaTypes.APPLICATION_JAVASCRIPT.toContentType(HttpCharsets.UTF_8);
    };
  }

  /** A file of a WebJar, whichever version of it is there. */
  private static byte[] library(String artifact, String file) {
    Properties about = new Properties();
    try (InputStream in =
        Page.class.getResourceAsStream(
            "/META-INF/maven/org.webjars.npm/" + artifact + "/pom.properties")) {
      if (in == null) {
        throw new IllegalStateException(artifact + " is missing among the program's libraries");
      }
      about.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return read(
        "/META-INF/resources/webjars/"
            + artifact
            + "/"
            + about.getProperty("version")
            + "/"
            + file);
  }

  private static byte[] read(String name) {
    try (InputStream in = Page.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing in the program's jar");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
