package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.ops.TestServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What clients see of prompts that begin alike. */
@Timeout(120)
class PrefixCacheTest {
  private static Asked ask(TestServer server, String prompt) throws Exception {
    Asked asked =
        Asked.post(
            server.url() + "/v1/completions",
            "{\"prompt\": \"%s\", \"seed\": 5, \"max_tokens\": 9, \"ignore_eos\": true}"
                .formatted(prompt));
    assertThat(asked.status()).as(asked.text()).isEqualTo(200);
    return asked;
  }

  private static int cached(Asked asked) throws Exception {
    return asked.json().at("/usage/prompt_tokens_details/cached_tokens").asInt();
  }

  @Test
  void shouldCountWhatWasThereAlready() throws Exception {
    try (TestServer server = TestServer.start(2)) {
      String prompt = "ab ba ".repeat(10);
      Asked first = ask(server, prompt);
      Asked second = ask(server, prompt);
      int tokens = second.json().at("/usage/prompt_tokens").asInt();
      assertThat(tokens).isGreaterThan(32);
      assertThat(cached(first)).isZero();
      assertThat(cached(second)).isEqualTo(tokens - 1);
      assertThat(second.json().at("/choices/0/text")).isEqualTo(first.json().at("/choices/0/text"));
      assertThat(Asked.get(server.url() + "/metrics").text())
          .contains("sluice_prefix_cache_hits_total " + (tokens - 1) + ".0");
    }
  }
}
