package dev.sluice.ops.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;

/** Plain HTTP, as any program speaks it. */
final class Asked {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final HttpResponse<String> response;

  private Asked(HttpResponse<String> response) {
    this.response = response;
  }

  static Asked get(String url, String... headers) throws Exception {
    return send(request(url, headers).GET().build());
  }

  static Asked post(String url, String body, String... headers) throws Exception {
    return send(request(url, headers).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  static Asked send(HttpRequest request) throws IOException, InterruptedException {
    return new Asked(CLIENT.send(request, HttpResponse.BodyHandlers.ofString()));
  }

  static HttpRequest.Builder request(String url, String... headers) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(url));
    if (headers.length > 0) {
      builder.headers(headers);
    }
    return builder;
  }

  int status() {
    return response.statusCode();
  }

  String text() {
    return response.body();
  }

  JsonNode json() throws IOException {
    return JSON.readTree(response.body());
  }

  String header(String name) {
    return response.headers().firstValue(name).orElse("");
  }

  /** The data of the events of a stream. */
  List<String> events() {
    return response
        .body()
        .lines()
        .filter(line -> line.startsWith("data: "))
        .map(line -> line.substring(6))
        .toList();
  }

  String errorCode() throws IOException {
    return json().at("/error/code").asText();
  }
}
