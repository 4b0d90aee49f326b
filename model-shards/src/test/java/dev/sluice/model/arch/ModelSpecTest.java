package dev.sluice.model.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.model.Fixtures;
import dev.sluice.model.TestModels;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ModelSpecTest {
  @TempDir private Path folder;

  private ModelSpec spec(TestModels model) {
    try (GgufFile file = GgufFile.open(model.write(folder))) {
      return ModelSpec.of(file);
    }
  }

  private static TestModels with(String architecture, Consumer<GgufWriter> change) {
    return TestModels.of(architecture, 1).with(change, "change");
  }

  @Test
  void shouldReadAShape() {
    ModelSpec spec =
        spec(TestModels.of("llama", 1).layers(3).heads(6, 2).headLength(16).embedding(64));
    assertThat(spec.architecture()).isEqualTo(Architecture.LLAMA);
    assertThat(spec.name()).isEqualTo("random-llama");
    assertThat(spec.layers()).isEqualTo(3);
    assertThat(spec.heads()).isEqualTo(6);
    assertThat(spec.kvHeads()).isEqualTo(2);
    assertThat(spec.keyLength()).isEqualTo(16);
    assertThat(spec.valueLength()).isEqualTo(16);
    assertThat(spec.queryLength()).isEqualTo(96);
    assertThat(spec.keysLength()).isEqualTo(32);
    assertThat(spec.valuesLength()).isEqualTo(32);
    assertThat(spec.attentionScale()).isEqualTo(0.25f);
    assertThat(spec.embeddingScale()).isEqualTo(1);
    assertThat(spec.slides(0)).isFalse();
    assertThat(spec.window(0)).isEqualTo(Integer.MAX_VALUE);
    assertThat(spec.position())
        .isEqualTo(
            new PositionEncoding.Rope(
                RopeStyle.NORM, 16, 10_000, new RopeScaling.None(), 10_000, true));
    assertThat(spec.vocabularyOnly()).isFalse();
  }

  @Test
  void shouldFillInWhatTheConventionsLeaveOut() {
    ModelSpec spec =
        spec(
            with(
                "qwen2",
                w ->
                    w.remove("qwen2.attention.head_count_kv")
                        .remove("qwen2.attention.key_length")
                        .remove("qwen2.attention.value_length")
                        .remove("qwen2.rope.freq_base")
                        .remove("qwen2.rope.dimension_count")
                        .remove("qwen2.vocab_size")
                        .remove("general.name")));
    assertThat(spec.kvHeads()).isEqualTo(spec.heads());
    assertThat(spec.keyLength()).isEqualTo(16);
    assertThat(spec.valueLength()).isEqualTo(16);
    assertThat(spec.vocabularySize()).isEqualTo(128);
    assertThat(spec.name()).isEqualTo("qwen2");
    assertThat(spec.position())
        .isEqualTo(
            new PositionEncoding.Rope(
                RopeStyle.NEOX, 16, 10_000, new RopeScaling.None(), 10_000, true));
  }

  @Test
  void shouldTakeArraysThatSayTheSameForEveryLayer() {
    ModelSpec spec =
        spec(
            with(
                "llama",
                w ->
                    w.int32s("llama.attention.head_count_kv", 2, 2, 2)
                        .int32s("llama.feed_forward_length", 96, 96, 96)));
    assertThat(spec.kvHeads()).isEqualTo(2);
    assertThat(spec.feedForwardLength()).isEqualTo(96);
  }

  @Test
  void shouldSlideEveryLayerButThePatternsLast() {
    ModelSpec gemma2 = spec(TestModels.of("gemma2", 1).layers(5).window(7));
    assertThat(IntStream.range(0, 5).mapToObj(gemma2::slides))
        .containsExactly(true, false, true, false, true);
    assertThat(gemma2.window(0)).isEqualTo(7);
    ModelSpec gemma3 = spec(TestModels.of("gemma3", 1).layers(7).window(7));
    assertThat(IntStream.range(0, 7).mapToObj(gemma3::slides))
        .containsExactly(true, true, true, true, true, false, true);
    ModelSpec phi3 = spec(TestModels.of("phi3", 1).layers(2).window(7));
    assertThat(phi3.slides(0) && phi3.slides(1)).isTrue();
    ModelSpec given =
        spec(
            with(
                    "gemma3",
                    w -> w.bools("gemma3.attention.sliding_window_pattern", true, true, false))
                .layers(3));
    assertThat(given.slidingPattern()).isEqualTo(3);
    ModelSpec none = spec(TestModels.of("gemma3", 1).window(0));
    assertThat(none.slides(0)).isFalse();
  }

  @Test
  void shouldKnowGemmasScalesAndCaps() {
    ModelSpec small = spec(TestModels.of("gemma2", 1).embedding(64).heads(4, 2).headLength(32));
    assertThat(small.attentionScale()).isCloseTo((float) (1 / Math.sqrt(32)), within(1e-7f));
    assertThat(small.embeddingScale()).isEqualTo(8);
    assertThat(small.attentionSoftCap()).isEqualTo(2);
    assertThat(small.finalSoftCap()).isEqualTo(3);
    // The 27B models, known by their layers, scale by embedding / heads.
    ModelSpec large =
        spec(TestModels.of("gemma2", 1).layers(46).embedding(64).heads(4, 2).headLength(32));
    assertThat(large.attentionScale()).isEqualTo(0.25f);
    ModelSpec defaults =
        spec(
            with(
                "gemma2",
                w ->
                    w.remove("gemma2.attn_logit_softcapping")
                        .remove("gemma2.final_logit_softcapping")
                        .remove("gemma2.attention.sliding_window")));
    assertThat(defaults.attentionSoftCap()).isEqualTo(50);
    assertThat(defaults.finalSoftCap()).isEqualTo(30);
    assertThat(defaults.slidingWindow()).isEqualTo(4096);
  }

  @Test
  void shouldReadPositionEncodings() {
    assertThat(spec(TestModels.of("gpt2", 1)).position()).isEqualTo(new PositionEncoding.Learned());
    assertThat(spec(TestModels.of("llama", 1).sinusoidal()).position())
        .isEqualTo(new PositionEncoding.Sinusoidal());
    assertThat(spec(TestModels.of("llama", 1).yarn(4, 32)).position())
        .isEqualTo(
            new PositionEncoding.Rope(
                RopeStyle.NORM,
                16,
                10_000,
                new RopeScaling.Yarn(4, 32, 1, 1, 32, 1),
                10_000,
                true));
    assertThat(spec(TestModels.of("gemma3", 1).linear(8)).position())
        .isEqualTo(
            new PositionEncoding.Rope(
                RopeStyle.NEOX, 16, 100_000, new RopeScaling.Linear(8), 10_000, false));
  }

  @Test
  void shouldLetOurOwnArchitectureChoose() {
    ModelSpec plain = spec(TestModels.of("sluice", 1));
    assertThat(plain.position()).isInstanceOf(PositionEncoding.Rope.class);
    assertThat(plain.activation()).isEqualTo(Activation.SILU);
    assertThat(plain.gated()).isTrue();
    ModelSpec chosen = spec(TestModels.of("sluice", 1).sinusoidal().plainGelu());
    assertThat(chosen.position()).isEqualTo(new PositionEncoding.Sinusoidal());
    assertThat(chosen.activation()).isEqualTo(Activation.GELU_TANH);
    assertThat(chosen.gated()).isFalse();
    assertThatThrownBy(() -> spec(with("sluice", w -> w.string("sluice.feed_forward", "relu"))))
        .isInstanceOf(ModelFileException.class)
        .hasMessageContaining("sluice.feed_forward is 'relu': known are swiglu, gelu");
  }

  @Test
  void shouldChooseLongRopeFactorsByTheRunsContext() {
    ModelSpec spec = spec(TestModels.of("phi3", 1).context(256).longRope(64));
    assertThat(spec.longFactors(64)).isFalse();
    assertThat(spec.longFactors(65)).isTrue();
    ModelSpec shortModel = spec(TestModels.of("phi3", 1).context(64).longRope(64));
    assertThat(shortModel.longFactors(1 << 20)).isFalse();
    assertThat(spec(TestModels.of("phi3", 1)).longFactors(1 << 20)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "llama, block_count",
    "llama, embedding_length",
    "llama, attention.head_count",
    "llama, feed_forward_length",
    "llama, context_length",
    "llama, attention.layer_norm_rms_epsilon",
    "gpt2, attention.layer_norm_epsilon"
  })
  void shouldNameAMissingKey(String architecture, String key) {
    String full = architecture + "." + key;
    assertThatThrownBy(() -> spec(with(architecture, w -> w.remove(full))))
        .isInstanceOf(ModelFileException.class)
        .hasMessageContaining(full)
        .hasMessageContaining(".gguf");
  }

  static Stream<Arguments> absurd() {
    return Stream.of(
        absurd("attention.head_count", w -> w.uint32("llama.attention.head_count", 0)),
        absurd("attention.head_count", w -> w.uint32("llama.attention.head_count", 4_000_000_000L)),
        absurd("does not divide", w -> w.uint32("llama.attention.head_count_kv", 3)),
        absurd("differs between layers", w -> w.int32s("llama.attention.head_count_kv", 2, 1, 2)),
        absurd(
            "no multiple",
            w -> w.remove("llama.attention.key_length").uint32("llama.embedding_length", 63)),
        absurd("block_count", w -> w.uint32("llama.block_count", 0)),
        absurd("block_count", w -> w.uint32("llama.block_count", 1 << 20)),
        absurd("embedding_length", w -> w.int32("llama.embedding_length", -64)),
        absurd("vocab_size", w -> w.uint32("llama.vocab_size", 0)),
        absurd("odd", w -> w.uint32("llama.rope.dimension_count", 15)),
        absurd("rope.dimension_count", w -> w.uint32("llama.rope.dimension_count", 18)),
        absurd("rope.freq_base", w -> w.float32("llama.rope.freq_base", 0)),
        absurd("rope.freq_base", w -> w.float32("llama.rope.freq_base", Float.NaN)),
        absurd("rms_epsilon", w -> w.float32("llama.attention.layer_norm_rms_epsilon", -1)),
        absurd("rms_epsilon", w -> w.float32("llama.attention.layer_norm_rms_epsilon", Float.NaN)),
        absurd("elements of a row", w -> w.uint32("llama.attention.key_length", 1 << 20)),
        absurd("'magic'", w -> w.string("llama.rope.scaling.type", "magic")),
        absurd("'magic'", w -> w.string("sluice.position_encoding", "magic")),
        absurd("final_logit_softcapping", w -> w.float32("llama.final_logit_softcapping", -1)),
        absurd("mixtures of experts", w -> w.uint32("llama.expert_count", 8)),
        absurd("only causal", w -> w.bool("llama.attention.causal", false)),
        absurd("'mamba', which is not known", w -> w.string("general.architecture", "mamba")),
        absurd("general.architecture", w -> w.remove("general.architecture")));
  }

  private static Arguments absurd(String message, Consumer<GgufWriter> change) {
    return Arguments.of(message, change);
  }

  @ParameterizedTest
  @MethodSource("absurd")
  void shouldRefuseWhatMakesNoSense(String message, Consumer<GgufWriter> change) {
    assertThatThrownBy(() -> spec(with("llama", change)))
        .isInstanceOf(ModelFileException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(".gguf");
  }

  @Test
  void shouldSayThatAFileHoldsAVocabularyOnly() {
    try (GgufFile file = GgufFile.open(Fixtures.path("vocabs/ggml-vocab-gpt-2.gguf"))) {
      ModelSpec spec = ModelSpec.of(file);
      assertThat(spec.vocabularyOnly()).isTrue();
      assertThat(spec.architecture()).isEqualTo(Architecture.GPT2);
      assertThat(spec.vocabularySize()).isEqualTo(50_257);
      assertThatThrownBy(() -> ModelFootprint.of(file))
          .isInstanceOf(ModelFileException.class)
          .hasMessageContaining("vocabulary");
    }
  }
}
