package dev.sluice.stages.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GbnfParserTest {
  private static boolean matches(String gbnf, String text) {
    ListTokenizer bytes = ListTokenizer.random(new Random(0), "a", 0);
    GrammarMatcher matcher =
        new Grammars(TokenVocabulary.of(bytes)).matcher(Grammar.parse(gbnf), new int[0], 0, 0);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (!matcher.accept(2 + (b & 0xFF))) {
        return false;
      }
    }
    return matcher.complete();
  }

  @Test
  void shouldReadAGrammarWithCommentsLinesAndGroups() {
    String chess =
        """
        # moves of chess, as llama.cpp's documentation has them
        root ::= "1. " move " " move "\\n" (
            [1-9] [0-9]? ". " move " " move "\\n"   # more of them
          )+
        move ::= (pawn | nonpawn | castle) [+#]?
        # pieces
        nonpawn ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
        pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])? |
          "never"
        castle ::= "O-O" "-O"?
        """;
    assertThat(matches(chess, "1. e4 e5\n2. Nf3 Nc6\n3. O-O O-O-O+\n")).isTrue();
    assertThat(matches(chess, "1. e4 e5\n")).isFalse();
    assertThat(matches(chess, "1. never e5\n12. exd8=Q# Qxa1\n")).isTrue();
    assertThat(matches(chess, "1. e9 e5\n2. Nf3 Nc6\n")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "root ::= \"\\x41\\u00e4\\U0001F600\\t\\\\\\\"\" ~ Aä😀\\t\\\"",
        "root ::= [\\]\\[\\-\\\\]{4} ~ ][-\\",
        "root ::= [a-] [-b] ~ --",
        "root ::= [^^] \"\" [\\^] ~ a^",
        "root ::= \"ab\"{2,} ~ ababab",
        "root ::= (\"a\" | ) \"b\" ~ b",
        "root ::= a-b_c\\r\\na-b_c ::= \"x\"?\"y\"* ~ xyy",
        "root::=\"x\" ~ x",
        "root ::= . . ~ ä€",
        "root ::= (x y)* \"!\"\\nx ::= \"a\"?\\ny ::= \"b\"? ~ abba!",
      })
  void shouldMatch(String gbnf, String text) {
    assertThat(matches(gbnf.replace("\\r", "\r").replace("\\n", "\n"), text.replace("\\t", "\t")))
        .isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "root ::= \"a ~ line 1, column 10: this literal is not closed",
        "root ::= (\"a\" ~ line 1, column 10: this parenthesis is not closed",
        "root ::= [ab ~ line 1, column 10: this class",
        "root ::= [] ~ line 1, column 10: no character",
        "root ::= [z-a] ~ line 1, column 11: a range",
        "root ::= \"\\q\" ~ line 1, column 11: there is no escape '\\q'",
        "root ::= \"\\x4\" ~ line 1, column 11: this escape takes 2 digits",
        "root ::= \"\\ud800\" ~ line 1, column 11: half a surrogate",
        "root ::= * ~ line 1, column 10: there is nothing before '*'",
        "root ::= \"a\"{3,2} ~ line 1, column 13: a repetition",
        "root ::= \"a\"{100001} ~ line 1, column 14: repeated more than",
        "root ::= \"a\"{x} ~ line 1, column 14: a number",
        "root ::= \"a\"{2 ~ line 1, column 15: a repetition ends with '}', not with the end",
        "root ::= x ~ line 1, column 10: there is no rule 'x'",
        "a ::= \"a\" ~ there is no rule 'root'",
        "root ::= \"a\"|root ::= \"b\" ~ line 1, column 19: a rule ends",
        "root = \"a\" ~ line 1, column 6: '::=' must follow",
        "root ::= <a b> ~ line 1, column 10: a token",
        "root ::= !x ~ line 1, column 10: a token",
        "root ::= <[x]> ~ line 1, column 10: the id of a token",
        "? ~ line 1, column 1: a rule begins with its name, not with '?'",
      })
  void shouldSayWhereItIsWrong(String gbnf, String message) {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse(gbnf))
        .withMessageContaining(message);
  }

  @Test
  void shouldCountLinesAndCharacters() {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse("root ::= a\n# 😀\na ::= \"😀\" ]"))
        .withMessageContaining("line 3, column 11");
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse("root ::= \"a\"\nroot ::= \"b\""))
        .withMessageContaining("line 2, column 1: the rule 'root' is there twice");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "root ::= root \"a\" | \"b\"",
        "root ::= x\nx ::= y? x | \"b\"\ny ::= \"c\"",
        "root ::= \"a\" x\nx ::= y \"a\" | \"b\"\ny ::= z* z* x | \"d\"\nz ::= \"z\"",
      })
  void shouldRefuseLeftRecursion(String gbnf) {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse(gbnf))
        .withMessageContaining("left recursion");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"root ::= \"a\" root", "root ::= \"a\" | x\nx ::= \"[\" y \"]\"\ny ::= \"a\" x"})
  void shouldRefuseWhatNeverEnds(String gbnf) {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse(gbnf))
        .withMessageContaining("can never end");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "root ::= ((\"a\"{1000}){1000}){1000}",
        "root ::= (((\"\"{100000}){100000}){100000}){100000}",
        "root ::= ([ab]?){1000}{1000}",
        "root ::= (\"a\"?){100000} ([b] | [c] | [d])",
      })
  void shouldRefuseWhatIsTooLarge(String gbnf) {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse(gbnf))
        .withMessageContaining("too large");
  }

  @Test
  void shouldRefuseWhatIsTooDeepOrTooLong() {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse("root ::= " + "(".repeat(100_000) + ")".repeat(100_000)))
        .withMessageContaining("parentheses");
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse("root ::= \"a\"" + "?".repeat(10_000)))
        .withMessageContaining("times over");
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> new Grammar("x".repeat(Grammar.MAX_LENGTH + 1)))
        .withMessageContaining("must have from 1 to");
    StringBuilder chain = new StringBuilder("root ::= r0");
    for (int i = 0; i < 2_000; i++) {
      chain.append("\nr%d ::= r%d \"x\"".formatted(i, i + 1));
    }
    assertThat(matches(chain + "\nr2000 ::= \"a\"", "a" + "x".repeat(2_000))).isTrue();
  }

  @Property(tries = 1_000)
  void shouldSurviveGarbage(@ForAll Random random) {
    String parts = "root ::= \"a\"|[b-c]{2,3}(x)*+?.<[1]>\n#^\\-]!xy";
    StringBuilder text = new StringBuilder("root ::= x\nx ::= ");
    for (int i = random.nextInt(30); i > 0; i--) {
      int from = random.nextInt(parts.length());
      text.append(parts, from, Math.min(parts.length(), from + 1 + random.nextInt(8)));
    }
    try {
      assertThat(Grammar.parse(text.toString()).text()).isNotEmpty();
    } catch (GrammarException e) {
      assertThat(e).hasMessageMatching("(?s)(grammar, line|the grammar is too large).*");
    }
  }

  @Example
  void shouldShowNoTextInItsName() {
    assertThat(Grammar.parse("root ::= \"secret\"").toString()).doesNotContain("secret");
  }
}
