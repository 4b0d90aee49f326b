package dev.sluice.ops;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The files under ops/deploy: what their own tools say, and whether they fit the program. */
@Timeout(120)
class DeploymentTest {
  private static final Path DEPLOY = Path.of("deploy").toAbsolutePath();
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{\\?(SLUICE_[A-Z_]+)}");

  @TempDir Path folder;

  private static boolean isInstalled(String tool) {
    return Arrays.stream(System.getenv("PATH").split(":"))
        .anyMatch(place -> Files.isExecutable(Path.of(place, tool)));
  }

  private String run(String... command) throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    Path errors = folder.resolve("errors");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(output.toFile())
            .redirectError(errors.toFile())
            .start();
    process.getOutputStream().close();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).describedAs(Files.readString(errors)).isZero();
    return Files.readString(output) + Files.readString(errors);
  }

  /** What kubectl makes of the manifests, as JSON; it needs no cluster for that. */
  private List<JsonNode> manifests() throws IOException, InterruptedException {
    assumeThat(isInstalled("kubectl")).describedAs("kubectl is installed").isTrue();
    Path all = folder.resolve("all.yaml");
    Files.writeString(all, run("kubectl", "kustomize", DEPLOY.resolve("kubernetes").toString()));
    return objects(
        run("kubectl", "annotate", "--local", "-f", all.toString(), "a=b", "-o", "json"));
  }

  private static List<JsonNode> objects(String json) throws IOException {
    try (var values = new ObjectMapper().readerFor(JsonNode.class).<JsonNode>readValues(json)) {
      return values.readAll();
    }
  }

  private static JsonNode one(List<JsonNode> objects, String kind, String name) {
    return objects.stream()
        .filter(o -> o.path("kind").asText().equals(kind))
        .filter(o -> o.at("/metadata/name").asText().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void shouldSelectPodsAndNamePortsThatThereAre() throws Exception {
    List<JsonNode> objects = manifests();
    JsonNode set = one(objects, "StatefulSet", "sluice").path("spec");
    JsonNode labels = set.at("/template/metadata/labels");
    JsonNode container = set.at("/template/spec/containers/0");
    Set<String> ports = new TreeSet<>();
    container.path("ports").forEach(port -> ports.add(port.path("name").asText()));
    shouldMatch(set.at("/selector/matchLabels"), labels);
    one(objects, "Service", set.path("serviceName").asText());
    for (JsonNode service : objects) {
      if (service.path("kind").asText().equals("Service")) {
        shouldMatch(service.at("/spec/selector"), labels);
        service
            .at("/spec/ports")
            .forEach(port -> assertThat(ports).contains(port.path("targetPort").asText()));
      }
    }
    shouldMatch(
        one(objects, "PodDisruptionBudget", "sluice").at("/spec/selector/matchLabels"), labels);
    JsonNode policy = one(objects, "NetworkPolicy", "sluice").path("spec");
    shouldMatch(policy.at("/podSelector/matchLabels"), labels);
    for (JsonNode rule : policy.path("ingress")) {
      rule.path("ports").forEach(port -> assertThat(ports).contains(port.path("port").asText()));
    }
    for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
      assertThat(ports).contains(container.path(probe).at("/httpGet/port").asText());
    }
    String account = set.at("/template/spec/serviceAccountName").asText();
    one(objects, "ServiceAccount", account);
    assertThat(one(objects, "RoleBinding", "sluice-pod-reader").at("/subjects/0/name").asText())
        .isEqualTo(account);
  }

  private static void shouldMatch(JsonNode selector, JsonNode labels) {
    assertThat(selector.size()).isPositive();
    selector.forEachEntry((name, value) -> assertThat(labels.get(name)).isEqualTo(value));
  }

  /** What a misspelt field is: gone, when kubectl reads it as what Kubernetes knows. */
  @Test
  void shouldHaveOnlyFieldsThatKubernetesKnows() throws Exception {
    List<JsonNode> objects = manifests();
    String set = DEPLOY.resolve("kubernetes/statefulset.yaml").toString();
    List<JsonNode> typed =
        objects(
            run("kubectl", "set", "image", "--local", "-f", set, "sluice=another", "-o", "json"));
    assertThat(typed).isNotEmpty();
    for (JsonNode known : typed) {
      JsonNode written =
          one(objects, known.path("kind").asText(), known.at("/metadata/name").asText());
      List<String> unknown = new ArrayList<>();
      collectUnknown("", written.path("spec"), known.path("spec"), unknown);
      assertThat(unknown).isEmpty();
    }
  }

  private static void collectUnknown(
      String where, JsonNode written, JsonNode known, List<String> unknown) {
    if (known.isMissingNode()) {
      unknown.add(where);
    } else if (written.isObject()) {
      written.forEachEntry(
          (name, value) -> collectUnknown(where + "/" + name, value, known.path(name), unknown));
    } else if (written.isArray()) {
      for (int i = 0; i < written.size(); i++) {
        collectUnknown(where + "/" + i, written.get(i), known.path(i), unknown);
      }
    }
  }

  @Test
  void shouldTellPodsWhatTheProgramKnows() throws Exception {
    JsonNode container =
        one(manifests(), "StatefulSet", "sluice").at("/spec/template/spec/containers/0");
    List<String> arguments = new ArrayList<>();
    container.path("args").forEach(argument -> arguments.add(argument.asText()));
    shouldBeKnownArguments(arguments);
    Map<String, String> environment =
        container
            .path("env")
            .valueStream()
            .filter(variable -> variable.has("value"))
            .collect(Collectors.toMap(v -> v.path("name").asText(), v -> v.path("value").asText()));
    container
        .path("env")
        .forEach(variable -> shouldBeKnownVariable(variable.path("name").asText()));
    // The files that are named are in the secret that is mounted there.
    String mounted = container.at("/volumeMounts/0/mountPath").asText();
    String readme = Files.readString(DEPLOY.resolve("README.md"));
    for (String file :
        List.of("SLUICE_CA", "SLUICE_CERTIFICATE", "SLUICE_KEY", "SLUICE_SECRET_FILE")) {
      assertThat(environment.get(file)).startsWith(mounted + "/");
      String name = environment.getOrDefault(file, "").substring(mounted.length() + 1);
      assertThat(readme).contains("--from-file=" + name + "=");
    }
  }

  private static void shouldBeKnownVariable(String name) {
    if (name.startsWith("SLUICE_")) {
      assertThat(variables()).contains(name);
    }
  }

  /** The environment variables that reference.conf reads. */
  private static Set<String> variables() {
    Set<String> names = new TreeSet<>();
    try {
      var all = DeploymentTest.class.getClassLoader().getResources("reference.conf");
      while (all.hasMoreElements()) {
        try (InputStream in = all.nextElement().openStream()) {
          Matcher matcher = VARIABLE.matcher(new String(in.readAllBytes(), UTF_8));
          while (matcher.find()) {
            names.add(matcher.group(1));
          }
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return names;
  }

  private static void shouldBeKnownArguments(List<String> arguments) {
    Map<String, CommandLine> verbs = new CommandLine(Sluice.class).getSubcommands();
    CommandLine verb =
        Objects.requireNonNull(verbs.get(arguments.getFirst()), arguments.getFirst());
    for (String argument : arguments.subList(1, arguments.size())) {
      if (argument.startsWith("--")) {
        String option = argument.replaceFirst("=.*", "");
        assertThat(verb.getCommandSpec().optionsMap()).containsKey(option);
      }
    }
  }

  @Test
  void shouldBeAUnitThatSystemdTakes() throws Exception {
    assumeThat(isInstalled("systemd-analyze")).describedAs("systemd-analyze is installed").isTrue();
    String unit = Files.readString(DEPLOY.resolve("systemd/sluice-node.service"));
    Path copy = folder.resolve("sluice-node.service");
    // Which Java is installed here is no matter.
    Files.writeString(copy, unit.replace("/usr/bin/java", "/bin/sh"));
    assertThat(run("systemd-analyze", "verify", "--man=no", copy.toString())).isEmpty();
  }

  @Test
  void shouldTellTheUnitWhatTheProgramKnows() throws IOException {
    List<String> lines =
        Files.readAllLines(DEPLOY.resolve("systemd/sluice-node.env")).stream()
            .filter(line -> !line.isBlank() && !line.startsWith("#"))
            .toList();
    assertThat(lines).isNotEmpty();
    for (String line : lines) {
      String[] parts = line.split("=", 2);
      shouldBeKnownVariable(parts[0]);
      if (parts[0].equals("NODE_OPTIONS")) {
        List<String> arguments = new ArrayList<>(List.of("node"));
        arguments.addAll(List.of(parts[1].split(" ")));
        shouldBeKnownArguments(arguments);
      }
    }
  }
}
