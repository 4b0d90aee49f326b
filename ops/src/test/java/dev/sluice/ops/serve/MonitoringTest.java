package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.ops.TestServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The dashboard and the alerts, against what a server says. */
@Timeout(120)
class MonitoringTest {
  private static final Path DEPLOY = Path.of("deploy").toAbsolutePath();
  private static final Pattern NAME = Pattern.compile("\\b(?:sluice|jvm|process|system)_\\w+");
  private static String scrape = "";

  @BeforeAll
  static void scrape() throws Exception {
    try (TestServer server = TestServer.start(1)) {
      String body = "{\"prompt\": \"ab\", \"max_tokens\": 5, \"ignore_eos\": true}";
      assertThat(Asked.post(server.url() + "/v1/completions", body).status()).isEqualTo(200);
      scrape = Asked.get(server.url() + "/metrics").text();
    }
  }

  @AfterAll
  static void forget() {
    scrape = "";
  }

  private static Set<String> names(String text) {
    Set<String> names = new TreeSet<>();
    for (Matcher matcher = NAME.matcher(text); matcher.find(); ) {
      names.add(matcher.group());
    }
    return names;
  }

  private static String exported() {
    StringBuilder lines = new StringBuilder();
    scrape.lines().filter(line -> !line.startsWith("#")).forEach(l -> lines.append(l).append('\n'));
    return lines.toString();
  }

  /** DESIGN's section 9 names the first ones; a single stage has no links. */
  @Test
  void shouldExportWhatWasPromised() {
    assertThat(names(exported()))
        .contains(
            "sluice_time_to_first_token_seconds_bucket",
            "sluice_inter_token_latency_seconds_bucket",
            "sluice_num_requests_running",
            "sluice_num_requests_waiting",
            "sluice_kv_cache_usage_ratio",
            "sluice_prompt_tokens_total",
            "sluice_generation_tokens_total",
            "sluice_request_success_total",
            "sluice_request_failure_total",
            "sluice_recoveries_total",
            "sluice_stage_busy_ratio");
    assertThat(exported())
        .contains("sluice_pipeline_serving 1.0\n")
        .contains("sluice_generation_tokens_total 5.0\n")
        .contains("sluice_request_success_total{finished_reason=\"length\"} 1.0\n")
        .contains("sluice_request_failure_total{kind=\"deadline\"} 0.0\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"grafana/sluice.json", "prometheus/alerts.yaml"})
  void shouldNameOnlyWhatIsExported(String file) throws Exception {
    String text = Files.readString(DEPLOY.resolve(file));
    if (file.endsWith(".json")) {
      assertThat(new ObjectMapper().readTree(text).get("panels")).isNotEmpty();
    }
    Set<String> named = names(text);
    assertThat(named).isNotEmpty();
    named.remove("sluice_link_seconds");
    assertThat(names(exported())).containsAll(named);
  }

  @Test
  void shouldPleasePromtool() throws Exception {
    boolean installed =
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(place -> Files.isExecutable(Path.of(place, "promtool")));
    assumeThat(installed).describedAs("promtool is installed").isTrue();
    Process process =
        new ProcessBuilder("promtool", "check", "config", "prometheus.yaml")
            .directory(DEPLOY.resolve("prometheus").toFile())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
  }
}
