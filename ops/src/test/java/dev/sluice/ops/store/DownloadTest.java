package dev.sluice.ops.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.store.ModelName;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import dev.sluice.model.store.StoredModel;
import dev.sluice.ops.CommandException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DownloadTest {
  @TempDir private Path folder = Path.of("");
  private WebServer web;
  private ModelStore store;
  private byte[] model;

  @BeforeEach
  void start() throws Exception {
    web = new WebServer();
    store = ModelStore.open(folder.resolve("store"), 1 << 30);
    Path file = folder.resolve("model.gguf");
    writer().write(file);
    model = Files.readAllBytes(file);
    web.put("/m.gguf", model);
  }

  @AfterEach
  void stop() {
    web.close();
  }

  @Test
  void shouldGoOnWhereTheConnectionBroke() throws Exception {
    web.breakOff(100_000, 3);
    assertThat(pull("/m.gguf", sha256(model))).isEqualTo(model.length);
    assertThat(web.asked())
        .containsExactly(
            "/m.gguf", "/m.gguf bytes=100000-", "/m.gguf bytes=200000-", "/m.gguf bytes=300000-");
    assertThat(store.incoming()).isEmptyDirectory();
  }

  @Test
  void shouldBeginAnewWhereTheFileChangedMeanwhile() throws Exception {
    web.breakOff(100_000, 1);
    byte[] other = model.clone();
    other[other.length - 1]++;
    Download download = new Download(store, 1 << 30, sha256(other), Duration.ZERO);
    download
        .run(
            web.url("/m.gguf"),
            (done, _) -> {
              if (done == 100_000) {
                web.put("/m.gguf", other);
              }
            })
        .close();
    assertThat(web.asked()).containsExactly("/m.gguf", "/m.gguf bytes=100000-");
  }

  @Test
  void shouldNotTakeAFileOfAnotherHash() throws Exception {
    assertThatThrownBy(() -> pull("/m.gguf", "ab".repeat(32)))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("the file's SHA-256 is " + sha256(model) + ", not the one of");
    assertThat(store.list()).isEmpty();
    assertThat(store.incoming()).isEmptyDirectory();
  }

  @Test
  void shouldRefuseWhatIsTooLargeOrNoModelOrNotThere() {
    assertThatThrownBy(
            () ->
                new Download(store, 1000, null, Duration.ZERO)
                    .run(web.url("/m.gguf"), (_, _) -> {}))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("more than 1000 B (--max-size allows more)");
    web.put("/page", "<html>please log in</html>".getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(() -> pull("/page", null)).hasMessageEndingWith(": is no GGUF file");
    web.put("/short.gguf", Arrays.copyOf(model, 1000));
    assertThatThrownBy(() -> pull("/short.gguf", null)).isInstanceOf(ModelFileException.class);
    assertThatThrownBy(() -> pull("/none", null))
        .hasMessageEndingWith("the server answered 404, there is no such file");
    assertThat(store.list()).isEmpty();
  }

  @Test
  void shouldFetchAllPartsOfASplitModel() throws Exception {
    for (Path part : writer().writeSplit(folder, "split", 2)) {
      web.put("/a/" + part.getFileName(), Files.readAllBytes(part));
    }
    assertThat(pull("/a/split-00002-of-00002.gguf", null)).isGreaterThan(model.length);
    store.name(ModelName.of("s"), store.list().getFirst().id(), "");
    try (GgufFile file = store.open(ModelName.of("s"), Portion.whole())) {
      assertThat(file.files()).hasSize(2);
    }
  }

  @Test
  void shouldNameModelsByTheirFiles() {
    assertThat(PullCommand.nameOf("https://x/y/My%20Model-Q8_0.gguf?token=1"))
        .isEqualTo(ModelName.of("My-Model-Q8_0"));
    assertThat(PullCommand.nameOf("../m-00001-of-00003.GGUF")).isEqualTo(ModelName.of("m"));
    assertThatThrownBy(() -> PullCommand.nameOf("https://x/.gguf"))
        .isInstanceOf(CommandException.class);
    assertThat(Download.shown("https://me:secret@host/a.gguf?sig=1"))
        .isEqualTo("https://host/a.gguf");
    assertThat(Download.files(URI.create("http://h/a-00002-of-00002.gguf?x=1")))
        .isEqualTo(
            List.of(
                URI.create("http://h/a-00001-of-00002.gguf?x=1"),
                URI.create("http://h/a-00002-of-00002.gguf?x=1")));
  }

  private long pull(String path, @Nullable String sha256) {
    try (StoredModel pulled =
        new Download(store, 1 << 30, sha256, Duration.ZERO).run(web.url(path), (_, _) -> {})) {
      assertThat(pulled.bytesPresent()).isEqualTo(pulled.manifest().bytes());
      return pulled.manifest().bytes();
    }
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private static GgufWriter writer() {
    GgufWriter writer = new GgufWriter().string("general.architecture", "llama");
    for (int i = 0; i < 4; i++) {
      float[] values = new float[40_000];
      Arrays.fill(values, i + 0.25f);
      writer.tensor("t" + i, values, values.length);
    }
    return writer;
  }
}
