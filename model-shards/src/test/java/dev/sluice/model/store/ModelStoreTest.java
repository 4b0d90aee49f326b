package dev.sluice.model.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.MissingBytesException;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.shard.LayerRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelStoreTest {
  private static final LayerRange MIDDLE = new LayerRange(1, 2);

  @TempDir private Path folder;
  private Instant now = Instant.ofEpochSecond(1_800_000_000);
  private final InstantSource clock = () -> now;

  @Test
  void shouldHoldTheLayersThatWereWrittenAndNoOthers() {
    Path source = LargeModel.write(folder, 3, 1);
    try (GgufFile file = GgufFile.open(source);
        StoredModel model = open().create(Manifest.of(file))) {
      assertThatThrownBy(() -> model.open(Portion.header()))
          .isInstanceOf(MissingBytesException.class)
          .hasMessageContaining("the header is not there");
      fill(model, file, Portion.layers(MIDDLE));
      assertThat(model.bytesPresent()).isLessThan(model.manifest().bytes());
      try (GgufFile part = model.open(Portion.layers(MIDDLE))) {
        assertThat(
                part.tensor("blk.1.ffn_up.weight")
                    .data()
                    .mismatch(file.tensor("blk.1.ffn_up.weight").data()))
            .isEqualTo(-1);
        assertThat(part.metadata().string("general.name")).isEqualTo("large");
        assertThatThrownBy(() -> part.tensor("blk.2.ffn_down.weight").data())
            .isInstanceOf(MissingBytesException.class)
            .hasMessageContaining("tensor 'blk.2.ffn_down.weight' is not there");
      }
      assertThatThrownBy(() -> model.open(Portion.whole()))
          .isInstanceOf(MissingBytesException.class);
    }
  }

  @Test
  void shouldGoOnWhereAnotherProcessLeftOff() {
    Path source = LargeModel.write(folder, 3, 1);
    try (GgufFile file = GgufFile.open(source)) {
      Manifest manifest = Manifest.of(file);
      try (StoredModel model = open().create(manifest)) {
        assertThat(model.write(1, chunk(file, manifest, 1))).isTrue();
        model.flush();
        assertThat(model.write(2, chunk(file, manifest, 2))).isTrue();
      }
      try (StoredModel model = open().find(manifest.id()).orElseThrow()) {
        assertThat(model.present()).isEqualTo(BitSet.valueOf(new long[] {0b110}));
      }
    }
  }

  @Test
  void shouldRefuseBytesOfAnotherHash() {
    Path source = LargeModel.write(folder, 3, 1);
    try (GgufFile file = GgufFile.open(source);
        StoredModel model = open().create(Manifest.of(file))) {
      ByteBuffer wrong = ByteBuffer.allocate(Manifest.CHUNK_BYTES);
      wrong.put(chunk(file, model.manifest(), 0)).flip();
      wrong.put(77, (byte) (wrong.get(77) ^ 1));
      assertThat(model.write(0, wrong)).isFalse();
      assertThat(model.write(0, chunk(file, model.manifest(), 0).limit(100))).isFalse();
      assertThat(model.bytesPresent()).isZero();
    }
  }

  @Test
  void shouldBelieveNothingOfAFileThatWasCut() throws IOException {
    Path source = LargeModel.write(folder, 3, 1);
    try (GgufFile file = GgufFile.open(source)) {
      Manifest manifest = Manifest.of(file);
      try (StoredModel model = open().create(manifest)) {
        fill(model, file, Portion.whole());
      }
      Path stored = folder.resolve("store/models/" + manifest.id() + "/model.gguf");
      Files.write(stored, new byte[100]);
      try (StoredModel model = open().find(manifest.id()).orElseThrow()) {
        assertThat(model.bytesPresent()).isZero();
        fill(model, file, Portion.whole());
        assertThat(model.verify()).isZero();
      }
      Files.delete(stored.resolveSibling("chunks"));
      Files.write(stored.resolveSibling("manifest"), new byte[] {1, 2, 3});
      assertThat(open().find(manifest.id())).isEmpty();
      try (StoredModel model = open().create(manifest)) {
        assertThat(model.bytesPresent()).isZero();
      }
    }
  }

  @Test
  void shouldForgetWhatIsNotAsItWas() throws IOException {
    Path source = LargeModel.write(folder, 3, 1);
    try (GgufFile file = GgufFile.open(source);
        StoredModel model = open().add(file, _ -> {})) {
      Path stored = folder.resolve("store/models/" + model.manifest().id() + "/model.gguf");
      byte[] bytes = Files.readAllBytes(stored);
      bytes[Manifest.CHUNK_BYTES + 5]++;
      Files.write(stored, bytes);
      assertThat(model.verify()).isEqualTo(1);
      assertThat(model.has(0)).isTrue();
      assertThat(model.has(1)).isFalse();
    }
  }

  @Test
  void shouldRemoveModelsWithoutANameThatWereNotUsedForLongest() {
    ModelStore store = ModelStore.open(folder.resolve("store"), 40 << 20, clock);
    ContentId first = add(store, 1);
    ContentId named = add(store, 2);
    store.name(ModelName.of("keep:me"), named, "here");
    ContentId third = add(store, 3);
    now = now.plusSeconds(1);
    store.find(first).orElseThrow().close(); // used again, after the third
    now = now.plusSeconds(1);
    ContentId fourth = add(store, 4);
    assertThat(store.list()).extracting(StoredEntry::id).contains(first, named, fourth);
    assertThat(store.find(third)).isEmpty();
    try (StoredModel a = store.find(first).orElseThrow();
        StoredModel b = store.find(fourth).orElseThrow()) {
      assertThatThrownBy(() -> add(store, 5))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("no room for")
          .hasMessageContaining("'sluice rm' frees some");
      assertThat(a.bytesPresent()).isEqualTo(b.bytesPresent());
    }
  }

  @Test
  void shouldRemoveByNameAndById() {
    ModelStore store = open();
    ContentId id = add(store, 1);
    store.name(ModelName.of("a"), id, "x");
    store.name(ModelName.of("b:1"), id, "x");
    assertThat(store.remove("a")).isZero();
    assertThatThrownBy(() -> store.remove("a"))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("there is no model a");
    try (StoredModel _ = store.find(id).orElseThrow()) {
      assertThatThrownBy(() -> store.remove("b:1"))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("in use");
    }
    assertThat(store.remove(id.hex().substring(0, 8))).isPositive();
    assertThat(store.list()).isEmpty();
    assertThat(store.find(ModelName.of("b:1"))).isEmpty();
  }

  @Test
  void shouldTakeOverFilesOfASplitModel() throws IOException {
    Path incoming = Files.createDirectories(open().incoming().resolve("x"));
    List<Path> parts = LargeModel.writer(3, 1).writeSplit(incoming, "mine", 2);
    ContentId id;
    try (StoredModel model = open().adopt(parts.getLast())) {
      id = model.manifest().id();
      assertThat(model.bytesPresent()).isEqualTo(model.manifest().bytes());
      assertThat(parts.getFirst()).doesNotExist();
      try (GgufFile file = model.open(Portion.whole())) {
        assertThat(file.files()).hasSize(2);
      }
    }
    try (GgufFile file =
        GgufFile.open(LargeModel.writer(3, 1).writeSplit(folder, "other", 2).getFirst())) {
      assertThat(Manifest.of(file).id()).isEqualTo(id);
    }
  }

  @Test
  void shouldKnowWhichChunksLayersTakeOfASplitModel() {
    List<Path> parts = LargeModel.writer(3, 1).writeSplit(folder, "mine", 3);
    try (GgufFile file = GgufFile.open(parts.getFirst());
        StoredModel model = open().create(Manifest.of(file))) {
      assertThat(model.needs(Portion.header()).known()).isFalse();
      fill(model, file, Portion.layers(MIDDLE));
      model.open(Portion.layers(MIDDLE)).close();
      assertThatThrownBy(() -> model.open(Portion.layers(new LayerRange(0, 1))))
          .isInstanceOf(MissingBytesException.class);
    }
  }

  @Test
  void shouldRefuseLayersThatAreNotThere() {
    try (GgufFile file = GgufFile.open(LargeModel.write(folder, 3, 1));
        StoredModel model = open().add(file, _ -> {})) {
      assertThatThrownBy(() -> model.needs(Portion.layers(new LayerRange(2, 4))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2..4");
    }
  }

  @Test
  void shouldSayThatContentIsNoModel() throws IOException {
    Path junk = open().incoming().resolve("junk.gguf");
    Files.write(junk, new byte[5000]);
    assertThatThrownBy(() -> open().adopt(junk)).isInstanceOf(ModelFileException.class);
  }

  private ModelStore open() {
    return ModelStore.open(folder.resolve("store"), Long.MAX_VALUE / 2, clock);
  }

  private ContentId add(ModelStore store, long seed) {
    now = now.plusSeconds(1);
    try (GgufFile file = GgufFile.open(LargeModel.write(folder, 3, seed));
        StoredModel model = store.add(file, _ -> {})) {
      return model.manifest().id();
    }
  }

  private static void fill(StoredModel model, GgufFile file, Portion portion) {
    while (true) {
      StoredModel.Needs needs = model.needs(portion);
      BitSet missing = needs.chunks();
      missing.andNot(model.present());
      if (missing.isEmpty()) {
        assertThat(needs.known()).isTrue();
        return;
      }
      missing.stream()
          .forEach(
              chunk ->
                  assertThat(model.write(chunk, chunk(file, model.manifest(), chunk))).isTrue());
    }
  }

  private static ByteBuffer chunk(GgufFile file, Manifest manifest, int chunk) {
    return file.contents(manifest.partOf(chunk))
        .asSlice(manifest.offset(chunk), manifest.length(chunk))
        .asByteBuffer();
  }
}
