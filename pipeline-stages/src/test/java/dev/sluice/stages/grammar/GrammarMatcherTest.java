package dev.sluice.stages.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.assertj.core.api.Assertions;

class GrammarMatcherTest {
  private static final String LETTERS = "abä€";
  private static final int[] NOTHING = {};

  /** The same language twice: as GBNF and as an expression of java.util.regex. */
  private record Twin(String gbnf, String regex) {}

  private static Twin twin(Random random, int depth) {
    int kind = random.nextInt(depth == 0 ? 3 : 7);
    return switch (kind) {
      case 0 -> {
        String text = text(random, 1 + random.nextInt(3));
        yield new Twin("\"" + text + "\"", "(?:" + text + ")");
      }
      case 1 -> {
        String set = text(random, 1 + random.nextInt(2));
        String negated = random.nextInt(3) == 0 ? "^" : "";
        yield new Twin("[" + negated + set + "]", "[" + negated + set + "]");
      }
      case 2 -> random.nextInt(4) == 0 ? new Twin(".", "(?s:.)") : new Twin("[a-b]", "[a-b]");
      case 3, 4 -> {
        Twin a = twin(random, depth - 1);
        Twin b = twin(random, depth - 1);
        yield new Twin("(" + a.gbnf + " " + b.gbnf + ")", "(?:" + a.regex + b.regex + ")");
      }
      case 5 -> {
        Twin a = twin(random, depth - 1);
        Twin b = twin(random, depth - 1);
        yield new Twin("(" + a.gbnf + " | " + b.gbnf + ")", "(?:" + a.regex + "|" + b.regex + ")");
      }
      default -> {
        Twin a = twin(random, depth - 1);
        String times =
            List.of("*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}").get(random.nextInt(7));
        yield new Twin("(" + a.gbnf + ")" + times, "(?:" + a.regex + ")" + times);
      }
    };
  }

  private static String text(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
    }
    return text.toString();
  }

  private static GrammarMatcher matcher(String gbnf, ListTokenizer tokenizer) {
    return new Grammars(TokenVocabulary.of(tokenizer)).matcher(Grammar.parse(gbnf), NOTHING, 0, 0);
  }

  /** Feeds bytes by the tokens of one byte; whether all fit. */
  private static boolean feed(GrammarMatcher matcher, byte[] bytes) {
    for (byte b : bytes) {
      if (!matcher.accept(2 + (b & 0xFF))) {
        return false;
      }
    }
    return true;
  }

  @SuppressWarnings("JdkObsolete") // whether more input could match is what is asked here
  @Property(tries = 200)
  void shouldMatchWhatARegularExpressionMatches(@ForAll Random random) {
    Twin twin = twin(random, 3);
    Pattern pattern = Pattern.compile(twin.regex);
    ListTokenizer bytes = ListTokenizer.random(random, LETTERS, 0);
    for (int i = 0; i < 15; i++) {
      String text = text(random, random.nextInt(7));
      Matcher java = pattern.matcher(text);
      boolean whole = java.matches();
      boolean begun = whole || java.hitEnd();
      GrammarMatcher ours = matcher("root ::= part\npart ::= " + twin.gbnf, bytes);
      boolean fits = feed(ours, text.getBytes(StandardCharsets.UTF_8));
      Assertions.assertThat(fits).as("%s begins %s", text, twin).isEqualTo(begun);
      if (fits) {
        Assertions.assertThat(ours.complete()).as("%s is %s", text, twin).isEqualTo(whole);
      }
    }
  }

  /** A mask says of each token what going on with it says, however the answer came about. */
  @Property(tries = 60)
  void shouldAllowATokenExactlyWhereItCanFollow(@ForAll Random random) {
    Twin inner = twin(random, 2);
    String gbnf =
        "root ::= item (\"b\" item)* <tool>? !<[5]>?\n"
            + "item ::= \"a\" root? \"b\" | word\n"
            + "word ::= [ab]+ \"ä\"? | "
            + inner.gbnf;
    ListTokenizer tokenizer = ListTokenizer.random(random, LETTERS, 200);
    Grammars grammars = new Grammars(TokenVocabulary.of(tokenizer));
    Grammar grammar = Grammar.parse(gbnf);
    GrammarMatcher matcher = grammars.matcher(grammar, NOTHING, 0, 0);
    int[] log = new int[6];
    for (int length = 0; length < log.length; length++) {
      List<Integer> allowed = new ArrayList<>();
      for (int token = 1; token < tokenizer.vocabularySize(); token++) {
        GrammarMatcher other = grammars.matcher(grammar, log, 0, length);
        boolean fits = other.accept(token);
        Assertions.assertThat(matcher.allows(token))
            .as("token %s '%s' behind %s in %s", token, tokenizer.piece(token), length, gbnf)
            .isEqualTo(fits);
        if (fits) {
          allowed.add(token);
        }
      }
      Assertions.assertThat(matcher.allows(ListTokenizer.END)).isEqualTo(matcher.complete());
      if (allowed.isEmpty()) {
        return;
      }
      log[length] = allowed.get(random.nextInt(allowed.size()));
      Assertions.assertThat(matcher.accept(log[length])).isTrue();
    }
  }

  @Property(tries = 100)
  void shouldTakeTheCharactersOfAClassAndNoOthers(@ForAll Random random) {
    int first = point(random);
    int last = Math.min(Character.MAX_CODE_POINT, first + random.nextInt(0x3000));
    if (isSurrogate(last)) {
      last = Character.MAX_SURROGATE + 1;
    }
    String gbnf = "root ::= [\\U%08X-\\U%08X]".formatted(first, last);
    for (int around :
        List.of(first - 1, first, (first + last) / 2, last, last + 1, point(random))) {
      if (around < 0 || around > Character.MAX_CODE_POINT || isSurrogate(around)) {
        continue;
      }
      GrammarMatcher matcher = matcher(gbnf, ListTokenizer.random(random, LETTERS, 0));
      boolean fits = feed(matcher, Character.toString(around).getBytes(StandardCharsets.UTF_8));
      Assertions.assertThat(fits && matcher.complete())
          .as("U+%X in %s", around, gbnf)
          .isEqualTo(around >= first && around <= last);
    }
  }

  private static int point(Random random) {
    while (true) {
      int bits = 1 + random.nextInt(21);
      int point = random.nextInt(1 << bits);
      if (point <= Character.MAX_CODE_POINT && !isSurrogate(point)) {
        return point;
      }
    }
  }

  private static boolean isSurrogate(int point) {
    return point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE;
  }

  @Example
  void shouldCountDeepRecursion() {
    GrammarMatcher matcher =
        matcher("root ::= \"[\" root* \"]\"", ListTokenizer.of("[", "]", "[[[", "]]", "]["));
    for (int i = 0; i < 500; i++) {
      assertThat(matcher.accept(4)).isTrue();
    }
    for (int i = 0; i < 749; i++) {
      assertThat(matcher.complete()).isFalse();
      assertThat(matcher.allows(ListTokenizer.END)).isFalse();
      assertThat(matcher.accept(5)).isTrue();
    }
    assertThat(matcher.allows(5)).isTrue();
    assertThat(matcher.allows(6)).as("][").isTrue();
    assertThat(matcher.accept(3)).isTrue();
    assertThat(matcher.allows(5)).as("one is left").isFalse();
    assertThat(matcher.accept(3)).isTrue();
    assertThat(matcher.complete()).isTrue();
    assertThat(matcher.allows(ListTokenizer.END)).isTrue();
    assertThat(matcher.allows(2)).isFalse();
  }

  @Example
  void shouldBanEverythingElseInTheRowOfLogits() {
    GrammarMatcher matcher = matcher("root ::= \"ab\"", ListTokenizer.of("a", "b", "ab", "abc"));
    float[] row = new float[70]; // longer than the vocabulary
    matcher.mask(row, row.length);
    for (int token = 0; token < row.length; token++) {
      assertThat(row[token])
          .as("token %d", token)
          .isEqualTo(token == 2 || token == 4 ? 0 : Float.NEGATIVE_INFINITY);
    }
  }

  @Example
  void shouldGiveUpWhatIsTooAmbiguous() {
    GrammarMatcher matcher =
        matcher("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"a\"", ListTokenizer.of("a", "b"));
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(
            () -> {
              for (int i = 0; i < 40; i++) {
                matcher.accept(2);
              }
            })
        .withMessageContaining("ambiguous");
  }

  @Example
  void shouldGiveUpManyWaysBeforeTheFirstByte() {
    StringBuilder gbnf = new StringBuilder("root ::= r0\n");
    for (int i = 0; i < 60; i++) {
      gbnf.append("r%d ::= r%d \"x\" | r%d \"y\"\n".formatted(i, i + 1, i + 1));
    }
    gbnf.append("r60 ::= \"a\"");
    GrammarMatcher matcher = matcher(gbnf.toString(), ListTokenizer.of("a", "x"));
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> matcher.allows(2))
        .withMessageContaining("ambiguous");
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> matcher.accept(2))
        .withMessageContaining("ambiguous");
  }

  @Example
  void shouldRefuseALogThatDoesNotFit() {
    Grammars grammars = new Grammars(TokenVocabulary.of(ListTokenizer.of("a", "b")));
    Grammar grammar = Grammar.parse("root ::= \"ab\"");
    assertThat(grammars.matcher(grammar, new int[] {9, 2, 3, 0}, 1, 4).complete()).isTrue();
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> grammars.matcher(grammar, new int[] {2, 2}, 0, 2))
        .withMessageContaining("token 2, number 2");
  }

  @Example
  void shouldRefuseATokenThatTheVocabularyLacks() {
    Grammars grammars = new Grammars(TokenVocabulary.of(ListTokenizer.of("a")));
    for (String token : List.of("<[3]>", "<call>", "!<[900]>")) {
      Grammar grammar = Grammar.parse("root ::= \"x\"? " + token);
      assertThatExceptionOfType(GrammarException.class)
          .isThrownBy(() -> grammars.matcher(grammar, NOTHING, 0, 0))
          .withMessageContaining("vocabulary");
    }
  }

  @Example
  void shouldForgetOldGrammarsAndGiveTheSameAnswers() {
    Grammars grammars = new Grammars(TokenVocabulary.of(ListTokenizer.of("a", "b", "ab")));
    List<GrammarMatcher> matchers = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      matchers.add(
          grammars.matcher(Grammar.parse("root ::= \"a\"{" + (i + 1) + "} \"b\""), NOTHING, 0, 0));
    }
    for (int i = 0; i < 200; i++) {
      assertThat(matchers.get(i).allows(4)).isEqualTo(i == 0);
      assertThat(matchers.get(i).allows(2)).isTrue();
    }
  }
}
