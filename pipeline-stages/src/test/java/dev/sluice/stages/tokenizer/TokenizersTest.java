package dev.sluice.stages.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rules of special tokens and bad metadata, on small vocabularies made here. */
class TokenizersTest {
  private static final String PREFIX = "tokenizer.ggml.";

  @TempDir Path folder;
  private int files;

  @Test
  void shouldParseControlTokensOnlyWhenAsked() {
    Tokenizer tokenizer = spm(UnaryOperator.identity());
    int end = 2;
    assertThat(tokenizer.encode("a</s>", false, true)).containsExactly(6, end);
    assertThat(tokenizer.encode("a</s>", false, false)).doesNotContain(end);
  }

  @Test
  void shouldAlwaysFindUserDefinedTokens() {
    Tokenizer tokenizer = spm(w -> w);
    assertThat(tokenizer.encode("[x]", false, false)).containsExactly(9);
    assertThat(tokenizer.piece(9)).isEqualTo("[x]");
    assertThat(tokenizer.isSpecial(9)).isFalse();
    assertThat(tokenizer.decode(new int[] {9})).isEqualTo("[x]");
  }

  @Test
  void shouldShowControlTokensOnlyWhenAsked() {
    Tokenizer tokenizer = spm(w -> w);
    assertThat(tokenizer.decode(new int[] {1, 6, 2})).isEqualTo("a");
    assertThat(tokenizer.decode(new int[] {1, 6, 2}, true)).isEqualTo("<s> a</s>");
    assertThat(tokenizer.bytes(1)).isEmpty();
    assertThat(tokenizer.continuationDecoder().accept(6)).isEqualTo(" a");
    assertThat(tokenizer.decoder().accept(6)).isEqualTo("a");
  }

  @Test
  void shouldAddBosAndEosAsTheFileSays() {
    assertThat(spm(w -> w).encode("a", true, false)).containsExactly(1, 6);
    assertThat(spm(w -> w.bool(PREFIX + "add_bos_token", false)).encode("a", true, false))
        .containsExactly(6);
    assertThat(spm(w -> w.bool(PREFIX + "add_eos_token", true)).encode("a", true, false))
        .containsExactly(1, 6, 2);
    assertThat(spm(w -> w).encode("a", false, false)).containsExactly(6);
    assertThat(bpe(w -> w).encode("ab", true, false)).containsExactly(2);
    assertThat(
            bpe(w -> w.string(PREFIX + "pre", "llama-bpe").uint32(PREFIX + "bos_token_id", 3))
                .encode("ab", true, false))
        .containsExactly(3, 2);
    Tokenizer bert = VocabularyFixtures.tokenizer("bert-bge");
    assertThat(bert.encode("hello", true, false)).startsWith(101).endsWith(102).hasSize(3);
  }

  @Test
  void shouldLeaveOutTheAddedSpaceWhereTheFileSaysSo() {
    Tokenizer tokenizer = spm(w -> w.bool(PREFIX + "add_space_prefix", false));
    assertThat(tokenizer.encode("a", false, false)).containsExactly(7);
    assertThat(tokenizer.decode(new int[] {6})).isEqualTo(" a");
  }

  @Test
  void shouldFallBackToBytesThenToUnknown() {
    Tokenizer tokenizer = spm(w -> w);
    assertThat(tokenizer.encode("b", false, false)).containsExactly(5, 8);
    assertThat(tokenizer.encode("c", false, false)).containsExactly(5, 0);
    assertThat(tokenizer.encode("\uD800", false, false)).containsExactly(5, 0);
  }

  @Test
  void shouldIgnoreMergesWhereTheVocabularyDoes() {
    UnaryOperator<GgufWriter> noMerges = w -> w.strings(PREFIX + "merges", List.of());
    assertThat(bpe(w -> noMerges.apply(w)).encode("ab", false, false)).containsExactly(0, 1);
    assertThat(
            bpe(w -> noMerges.apply(w).string(PREFIX + "pre", "llama-bpe"))
                .encode("ab", false, false))
        .containsExactly(2);
  }

  @Test
  void shouldKnowWhereGenerationEnds() {
    Tokenizer tokenizer = bpe(w -> w.uint32(PREFIX + "eos_token_id", 0));
    assertThat(tokenizer.endOfGeneration()).containsExactly(0, 3);
    assertThat(tokenizer.eos()).hasValue(0);
    assertThat(tokenizer.bos()).isEmpty();
    assertThat(tokenizer.isSpecial(3)).isTrue();
  }

  @Test
  void shouldRefuseIdsOutsideTheVocabulary() {
    Tokenizer tokenizer = spm(w -> w);
    for (int id : new int[] {-1, tokenizer.vocabularySize(), Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> tokenizer.decode(new int[] {id}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(Integer.toString(id));
      assertThatThrownBy(() -> tokenizer.piece(id)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> tokenizer.decoder().accept(id))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"t5", "no_vocab", "none", "rwkv", "x"})
  void shouldRefuseOtherModels(String model) {
    shouldFail(() -> spm(w -> w.string(PREFIX + "model", model)), "tokenizer.ggml.model", model);
  }

  @Test
  void shouldRefuseBadVocabulariesNamingTheKey() {
    shouldFail(() -> spm(w -> w.remove(PREFIX + "tokens")), "tokenizer.ggml.tokens");
    shouldFail(() -> spm(w -> w.remove(PREFIX + "model")), "tokenizer.ggml.model");
    shouldFail(() -> spm(w -> w.strings(PREFIX + "tokens", List.of())), "tokenizer.ggml.tokens");
    shouldFail(() -> spm(w -> w.float32s(PREFIX + "scores", 1)), "tokenizer.ggml.scores", "1");
    shouldFail(
        () -> spm(w -> w.float32s(PREFIX + "scores", 0, 0, 0, 0, 0, 0, Float.NaN, 0, 0, 0)),
        "tokenizer.ggml.scores",
        "token 6");
    shouldFail(() -> spm(w -> w.int32s(PREFIX + "token_type", 1)), "tokenizer.ggml.token_type");
    shouldFail(
        () -> spm(w -> w.int32s(PREFIX + "token_type", 1, 1, 1, 1, 1, 1, 1, 1, 1, 17)),
        "tokenizer.ggml.token_type",
        "17");
    shouldFail(
        () -> spm(w -> w.int32s(PREFIX + "token_type", 1, 1, 1, 1, 1, 1, 1, 1, 1, 6)),
        "tokenizer.ggml.token_type",
        "token 9");
    shouldFail(
        () -> spm(w -> w.uint32(PREFIX + "bos_token_id", 10)), "tokenizer.ggml.bos_token_id");
    shouldFail(() -> spm(w -> w.int32(PREFIX + "eos_token_id", -1)), "tokenizer.ggml.eos_token_id");
    shouldFail(
        () -> bpe(w -> w.bool(PREFIX + "add_bos_token", true)), "tokenizer.ggml.add_bos_token");
    shouldFail(() -> bpe(w -> w.string(PREFIX + "pre", "what")), "tokenizer.ggml.pre", "what");
    shouldFail(() -> bpe(w -> w.remove(PREFIX + "merges")), "tokenizer.ggml.merges");
    for (String merge : List.of("a", "", "a ", " b", "a x", "x a", "b a", "a b b")) {
      shouldFail(
          () -> bpe(w -> w.strings(PREFIX + "merges", List.of(merge))),
          "tokenizer.ggml.merges",
          "merge 0");
    }
  }

  private static void shouldFail(Runnable load, String... parts) {
    assertThatThrownBy(load::run)
        .isInstanceOf(ModelFileException.class)
        .message()
        .contains(parts)
        .contains(".gguf");
  }

  private Tokenizer spm(UnaryOperator<GgufWriter> change) {
    List<String> tokens =
        List.of("<unk>", "<s>", "</s>", "<", "/s>", "▁", "▁a", "a", "<0x62>", "[x]");
    return load(
        change.apply(
            new GgufWriter()
                .string(PREFIX + "model", "llama")
                .strings(PREFIX + "tokens", tokens)
                .float32s(PREFIX + "scores", 0, 0, 0, -4, -4, -3, -1, -2, 0, 0)
                .int32s(PREFIX + "token_type", 2, 3, 3, 1, 1, 1, 1, 1, 6, 4)));
  }

  private Tokenizer bpe(UnaryOperator<GgufWriter> change) {
    return load(
        change.apply(
            new GgufWriter()
                .string(PREFIX + "model", "gpt2")
                .string(PREFIX + "pre", "gpt-2")
                .strings(PREFIX + "tokens", new ArrayList<>(List.of("a", "b", "ab", "<|im_end|>")))
                .int32s(PREFIX + "token_type", 1, 1, 1, 4)
                .strings(PREFIX + "merges", List.of("a b"))));
  }

  private Tokenizer load(GgufWriter writer) {
    Path path = folder.resolve("model-" + files++ + ".gguf");
    writer.string("general.architecture", "llama").write(path);
    try (GgufFile file = GgufFile.open(path)) {
      return Tokenizer.of(file.metadata());
    }
  }
}
