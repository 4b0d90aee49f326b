package dev.sluice.stages.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stages.tokenizer.VocabularyFixtures.Example;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class VocabularyFixturesTest {

  static List<String> all() {
    return VocabularyFixtures.ALL;
  }

  static Stream<String> reversible() {
    return Stream.concat(VocabularyFixtures.BYTE_LEVEL.stream(), VocabularyFixtures.SPM.stream());
  }

  @ParameterizedTest
  @MethodSource("all")
  void shouldEncodeEveryTextAsTheReferenceDoes(String name) {
    Tokenizer tokenizer = VocabularyFixtures.tokenizer(name);
    List<Example> examples = VocabularyFixtures.examples(name);
    assertThat(examples).hasSizeGreaterThanOrEqualTo(46);
    SoftAssertions.assertSoftly(
        softly -> {
          for (Example example : examples) {
            softly
                .assertThat(tokenizer.encode(example.text(), false, false))
                .as("%s: \"%s\"", name, example.text())
                .isEqualTo(example.array());
          }
        });
  }

  @ParameterizedTest
  @MethodSource("reversible")
  void shouldDecodeWhatItEncoded(String name) {
    Tokenizer tokenizer = VocabularyFixtures.tokenizer(name);
    for (Example example : VocabularyFixtures.examples(name)) {
      assertThat(tokenizer.decode(tokenizer.encode(example.text(), true, false)))
          .isEqualTo(example.text());
      assertThat(tokenizer.decode(example.array())).isEqualTo(example.text());
    }
  }
}
