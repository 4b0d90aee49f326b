package dev.sluice.ops.serve;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.ops.TestServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.util.Arrays;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.AfterProperty;

/**
 * Whatever comes over a connection, it is answered properly or closed, never with an error of the
 * server's own, and the server lives.
 */
class MalformedRequestTest {
  private static final int WAIT_MILLIS = 30_000;
  private static final String GOOD = "{\"prompt\": \"ab\", \"max_tokens\": 2, \"seed\": 1}";
  private static final TestServer SERVER = TestServer.start(2);

  @AfterContainer
  static void stop() {
    SERVER.close();
  }

  @AfterProperty
  void shouldStillAnswer() throws Exception {
    assertThat(Asked.post(SERVER.url() + "/v1/completions", GOOD).status()).isEqualTo(200);
  }

  /** Sends bytes, ends the sending side, and reads what comes back. */
  private static String exchange(byte[] bytes) throws IOException {
    try (Socket socket = new Socket(SERVER.server().address().getAddress(), SERVER.port())) {
      socket.setSoTimeout(WAIT_MILLIS);
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      try {
        socket.getOutputStream().write(bytes);
        socket.shutdownOutput();
        InputStream in = socket.getInputStream();
        in.transferTo(answer);
      } catch (SocketException e) {
        // It was closed while we still sent.
      }
      return answer.toString(UTF_8);
    }
  }

  private static void shouldBeProper(String answer) {
    if (!answer.isEmpty()) {
      assertThat(answer).startsWith("HTTP/1.");
      assertThat(answer).doesNotContain("HTTP/1.1 500", "Exception", "\tat ");
    }
  }

  private static byte[] post(String path, byte[] body) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(
        ("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ")
            .getBytes(UTF_8));
    out.writeBytes((body.length + "\r\n\r\n").getBytes(UTF_8));
    out.writeBytes(body);
    return out.toByteArray();
  }

  @Property(tries = 60)
  void shouldOutliveBytesThatAreNoHttp(@ForAll byte[] bytes) throws IOException {
    shouldBeProper(exchange(bytes));
  }

  @Property(tries = 60)
  void shouldOutliveRequestsThatEndEarlyOrHaveAFlippedByte(
      @ForAll @IntRange(max = 1_000) int at, @ForAll byte flip, @ForAll boolean cut)
      throws IOException {
    byte[] bytes = post("/v1/completions", GOOD.getBytes(UTF_8));
    int place = at % bytes.length;
    if (cut) {
      bytes = Arrays.copyOf(bytes, place);
    } else {
      bytes[place] ^= flip;
    }
    shouldBeProper(exchange(bytes));
  }

  /** Bodies of JSON that is right by itself, or nearly, with any values. */
  @Property(tries = 120)
  void shouldRefuseOrServeAnyJson(@ForAll("paths") String path, @ForAll("bodies") String body)
      throws Exception {
    Asked asked = Asked.post(SERVER.url() + path, body);
    assertThat(asked.status()).as("%s %s: %s", path, body, asked.text()).isIn(200, 400, 404, 504);
    if (asked.status() != 200) {
      assertThat(asked.json().at("/error/message").asText()).isNotBlank();
    }
  }

  @Provide
  Arbitrary<String> paths() {
    return Arbitraries.of(
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/tokenize",
        "/detokenize",
        "/apply-template");
  }

  @Provide
  Arbitrary<String> bodies() {
    Arbitrary<String> values =
        Arbitraries.of(
            "null",
            "true",
            "0",
            "-1",
            "1e999",
            "0.5",
            "99999999999999999999999",
            "\"\"",
            "\"ab\"",
            "\"\\ud800\"",
            "[]",
            "[[]]",
            "[1, 2]",
            "[[1], [2]]",
            "[\"a\", \"b\"]",
            "{}",
            "{\"role\": \"user\"}",
            "[{\"role\": \"user\", \"content\": \"ab\"}]",
            "[{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"ab\"}]}]",
            "{\"type\": \"text\"}",
            "{\"5\": -100}",
            "[".repeat(100) + "]".repeat(100),
            "tru",
            "\"\u0000\"",
            "\"" + "a".repeat(3_000) + "\"");
    Arbitrary<String> names =
        Arbitraries.of(
            "prompt",
            "messages",
            "input",
            "content",
            "tokens",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "seed",
            "stop",
            "n",
            "best_of",
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "presence_penalty",
            "frequency_penalty",
            "repetition_penalty",
            "response_format",
            "tools",
            "user",
            "echo",
            "suffix",
            "model",
            "stream_options",
            "timeout",
            "priority",
            "text",
            "store",
            "frobnicate");
    return names
        .flatMap(name -> values.map(value -> Tuple.of(name, value)))
        .list()
        .ofMaxSize(4)
        .map(
            fields -> {
              StringBuilder body = new StringBuilder("{\"max_tokens\": 2");
              fields.forEach(f -> body.append(", \"" + f.get1() + "\": " + f.get2()));
              return body.append('}').toString();
            });
  }

  @Property(tries = 20)
  void shouldLimitHeadersAndPaths(
      @ForAll @IntRange(min = 1, max = 200) int headers,
      @ForAll @IntRange(min = 1, max = 20_000) int length)
      throws IOException {
    StringBuilder request =
        new StringBuilder("GET /health?" + "a".repeat(length) + " HTTP/1.1\r\n");
    request.append("Host: localhost\r\nConnection: close\r\n");
    for (int i = 0; i < headers; i++) {
      request.append("X-" + i + ": " + "b".repeat(length) + "\r\n");
    }
    String answer = exchange(request.append("\r\n").toString().getBytes(UTF_8));
    shouldBeProper(answer);
    if (length > 9_000 || headers > 70) {
      assertThat(answer).doesNotContain("200 OK");
    }
  }
}
