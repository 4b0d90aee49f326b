package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.TestModels;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.arch.ShardTensors;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.Presence;
import dev.sluice.model.kernel.WorkerPool;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** A shard loads from a file in which its own tensors are there and no others. */
class PartialModelTest {
  @SuppressWarnings("unused") // Named by the parameterized test.
  static final List<String> ARCHITECTURES = TestModels.ARCHITECTURES;

  private static final int LAYERS = 3;

  @TempDir private Path folder;

  @ParameterizedTest
  @FieldSource("ARCHITECTURES")
  void shouldLoadFromItsOwnTensorsAlone(String architecture) {
    for (boolean tied : new boolean[] {true, false}) {
      Path path = TestModels.of(architecture, 1).layers(LAYERS).tied(tied).write(folder);
      for (int first = 0; first < LAYERS; first++) {
        for (int end = first + 1; end <= LAYERS; end++) {
          load(path, new LayerRange(first, end));
        }
      }
    }
  }

  private static void load(Path path, LayerRange range) {
    Set<Long> offsets;
    try (GgufFile whole = GgufFile.open(path)) {
      List<GgufTensor> tensors = ShardTensors.of(whole, range.first(), range.end());
      offsets = tensors.stream().map(GgufTensor::offset).collect(Collectors.toSet());
      assertThat(tensors.stream().mapToLong(GgufTensor::bytes).sum())
          .isEqualTo(ModelFootprint.of(whole).weightBytes(range.first(), range.end()));
    }
    try (GgufFile part = GgufFile.open(path, only(offsets));
        WorkerPool pool = new WorkerPool(1)) {
      ShardOptions options = new ShardOptions(range, KvType.F32, 32, 1, 4, 1, 8, 16);
      try (ModelShard shard = ModelShards.load(part, options, pool)) {
        assertThat(shard.spec().layers()).isEqualTo(LAYERS);
      }
    }
  }

  private static Presence only(Set<Long> offsets) {
    return new Presence() {
      @Override
      public long leading(Path file) {
        return Long.MAX_VALUE;
      }

      @Override
      public boolean has(Path file, long offset, long bytes) {
        return offsets.contains(offset);
      }

      @Override
      public void close() {}
    };
  }
}
