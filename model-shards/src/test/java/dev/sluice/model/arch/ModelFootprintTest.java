package dev.sluice.model.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.TestModels;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.ModelFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class ModelFootprintTest {
  @SuppressWarnings("unused") // Named by the parameterized test.
  static final List<String> ARCHITECTURES = TestModels.ARCHITECTURES;

  @TempDir private Path folder;

  @ParameterizedTest
  @FieldSource("ARCHITECTURES")
  void shouldWeighEveryTensorOnce(String architecture) {
    for (boolean tied : new boolean[] {true, false}) {
      TestModels model = TestModels.of(architecture, 1).tied(tied);
      try (GgufFile file = GgufFile.open(model.write(folder))) {
        ModelFootprint footprint = ModelFootprint.of(file);
        long all = file.tensors().stream().map(GgufTensor::data).mapToLong(d -> d.byteSize()).sum();
        assertThat(footprint.tiedHead()).isEqualTo(tied);
        assertThat(footprint.weightBytes(0, footprint.layers())).isEqualTo(all);
        long parts = footprint.embeddingBytes() + footprint.headBytes();
        for (int layer = 0; layer < footprint.layers(); layer++) {
          parts += footprint.layerBytes(layer);
        }
        long twice = tied ? file.tensor("token_embd.weight").data().byteSize() : 0;
        assertThat(parts - twice).isEqualTo(all);
      }
    }
  }

  @Test
  void shouldCountBytesAndMultiplyAddsOfALayer() {
    TestModels model =
        TestModels.of("llama", 1)
            .embedding(64)
            .heads(4, 2)
            .headLength(16)
            .feedForward(96)
            .vocabulary(50)
            .type(GgmlType.Q8_0);
    try (GgufFile file = GgufFile.open(model.write(folder))) {
      ModelFootprint footprint = ModelFootprint.of(file);
      long weights = 64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 64 * 96;
      assertThat(footprint.layerMultiplyAdds(0)).isEqualTo(weights);
      assertThat(footprint.typedMultiplyAdds(0)).isEqualTo(Map.of(GgmlType.Q8_0, weights));
      assertThat(footprint.headType()).isEqualTo(GgmlType.Q8_0);
      assertThat(footprint.workBytesPerRow())
          .isEqualTo(4 * (3 * 64 + (64 + 32 + 32) + 64 + 2 * 96));
      assertThat(footprint.layerBytes(0)).isEqualTo(weights / 32 * 34 + 2 * 64 * 4);
      assertThat(footprint.headMultiplyAdds()).isEqualTo(50 * 64);
      assertThat(footprint.headBytes()).isEqualTo(50 * 64 / 32 * 34 + 64 * 4);
      assertThat(footprint.embeddingBytes()).isEqualTo(50 * 64 / 32 * 34);
      assertThat(footprint.kvBytesPerToken(KvType.F32)).isEqualTo(2 * 32 * 4);
      assertThat(footprint.kvBytesPerToken(KvType.F16)).isEqualTo(2 * 32 * 2);
      assertThat(footprint.attentionMultiplyAdds()).isEqualTo(2 * 64);
      assertThat(footprint.weightBytes(1, 2)).isEqualTo(footprint.layerBytes(1));
    }
  }

  @Test
  void shouldNameALayerWithoutTensors() {
    TestModels model =
        TestModels.of("llama", 1).layers(2).with(w -> w.uint32("llama.block_count", 3), "layers");
    try (GgufFile file = GgufFile.open(model.write(folder))) {
      assertThatThrownBy(() -> ModelFootprint.of(file))
          .isInstanceOf(ModelFileException.class)
          .hasMessageContaining("blk.2.");
    }
  }
}
