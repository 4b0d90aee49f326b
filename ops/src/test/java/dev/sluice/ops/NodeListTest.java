package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.actors.placement.KernelRate;
import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.model.gguf.GgmlType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class NodeListTest {
  @TempDir private Path folder;

  @Test
  void shouldReadNamesMemoryAndCores() {
    assertThat(NodeList.parse("a=12g,4, b=8g,c=512m,2"))
        .containsExactly(
            NodeOffer.unmeasured("a", 12L << 30, 4),
            NodeOffer.unmeasured("b", 8L << 30, 1),
            NodeOffer.unmeasured("c", 512L << 20, 2));
  }

  @Test
  void shouldReadMemoryAlone() {
    assertThat(NodeList.parse("12g,4096"))
        .containsExactly(
            NodeOffer.unmeasured("node-1", 12L << 30, 1), NodeOffer.unmeasured("node-2", 4096, 1));
  }

  @Test
  void shouldReadAFile() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("nodes.conf"),
            """
            nodes = [
              { name = a.example, memory = 12g, cores = 4,
                speeds { q8_0 { decode = 2.1e10, prompt = 8.5e10 } }
                round-trips { b = 300us } }
              { name = b, memory = 8g }
            ]
            """);
    List<NodeOffer> nodes = NodeList.parse(file.toString());

    assertThat(nodes)
        .containsExactly(
            new NodeOffer(
                "a.example",
                12L << 30,
                4,
                Map.of(GgmlType.Q8_0, new KernelRate(2.1e10, 8.5e10)),
                Map.of("b", 300_000L)),
            NodeOffer.unmeasured("b", 8L << 30, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "a=", "=4g", "a=4g,x", "a=4g,0", "no-such-file.conf"})
  void shouldRefuseWhatIsNoListOfNodes(String text) {
    assertThatThrownBy(() -> NodeList.parse(text)).isInstanceOf(CommandException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nodes = 3",
        "nodes = [ { memory = 1g } ]",
        "nodes = [ { name = a, memory = much } ]",
        "nodes = [ { name = a, memory = 1g, speeds { q99 { decode = 1, prompt = 1 } } } ]",
        "nodes = [ { name = a, memory = 1g, speeds { q8_0 { decode = -1, prompt = 1 } } } ]",
        "nodes = [ { name = a, memory = 1g, round-trips { b = soon } } ]",
        "nodes = [",
      })
  void shouldRefuseFilesWithMistakes(String text) throws IOException {
    Path file = Files.writeString(folder.resolve("nodes.json"), text);
    assertThatThrownBy(() -> NodeList.parse(file.toString()))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("--nodes");
  }
}
