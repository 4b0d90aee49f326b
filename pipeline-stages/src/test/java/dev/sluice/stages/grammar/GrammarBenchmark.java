package dev.sluice.stages.grammar;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.sampling.Sampler;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * What a grammar costs for each token, beside what choosing the token costs anyway: the answer of a
 * JSON Schema, token by token, over a real vocabulary. Rows of logits are chance, with the token of
 * the answer on top. Cold: the first answer by this grammar; warm: those after it. Processor time
 * of the thread, so that others on the machine count little. Ends in one line of JSON, times of a
 * token in microseconds.
 */
final class GrammarBenchmark {
  private static final String SCHEMA =
      """
      {"type": "object",
       "properties": {
         "title": {"type": "string"},
         "year": {"type": "integer", "minimum": 1800, "maximum": 2100},
         "kind": {"enum": ["novel", "poem", "essay"]},
         "authors": {"type": "array", "items": {"$ref": "#/$defs/person"}, "minItems": 1},
         "notes": {"type": "array", "items": {"type": "string", "maxLength": 200}}},
       "required": ["title", "year", "kind", "authors", "notes"],
       "$defs": {"person": {"type": "object",
         "properties": {"name": {"type": "string"}, "mail": {"type": "string", "format": "email"},
           "pupils": {"type": "array", "items": {"$ref": "#/$defs/person"}}},
         "required": ["name", "pupils"]}}}
      """;

  private static final String ANSWER =
      """
      {"title": "On the nature of things, and of \\"nothing\\"", "year": 1923, "kind": "essay",
       "authors": [{"name": "Ada Lovelace", "mail": "ada@example.org", "pupils":
         [{"name": "Zoë Ångström", "pupils": []}]}],
       "notes": ["First printed in a small edition, soon out of print.", "数学 und Musik",
         "Rain fell on the roof all night, and nobody in the house could sleep."]}\
      """;

  private static final int ROUNDS = 40;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private GrammarBenchmark() {}

  public static void main(String[] args) {
    Path path =
        Path.of(
            args.length > 0
                ? args[0]
                : "../../shared/fixtures/vocabs/ggml-vocab-deepseek-llm.gguf");
    Tokenizer tokenizer;
    try (GgufFile file = GgufFile.open(path)) {
      tokenizer = Tokenizer.of(file.metadata());
    }
    long start = now();
    TokenVocabulary vocabulary = TokenVocabulary.of(tokenizer);
    double trie = (now() - start) / 1e6;
    int[] answer = tokenizer.encode(ANSWER.replaceAll("\n *", " "), false, false);
    start = now();
    Grammar grammar = JsonSchemaGrammar.of(SCHEMA);
    Grammars grammars = new Grammars(vocabulary);
    grammars.matcher(grammar, answer, 0, 0);
    double compile = (now() - start) / 1e6;
    try (Arena arena = Arena.ofConfined()) {
      Run run = new Run(arena, tokenizer.vocabularySize(), answer);
      for (int i = 0; i < ROUNDS; i++) {
        run.answer(null); // the compiler warms up
      }
      double[] cold = run.answer(grammars.matcher(grammar, answer, 0, 0));
      double[] plain = new double[ROUNDS * answer.length];
      double[] masked = new double[ROUNDS * answer.length];
      for (int i = 0; i < ROUNDS; i++) {
        System.arraycopy(run.answer(null), 0, plain, i * answer.length, answer.length);
        System.arraycopy(
            run.answer(grammars.matcher(grammar, answer, 0, 0)),
            0,
            masked,
            i * answer.length,
            answer.length);
      }
      System.out.printf(
          Locale.ROOT,
          "{\"vocabulary\":%d,\"answer_tokens\":%d,\"trie_ms\":%.0f,\"compile_ms\":%.1f,"
              + "\"without_grammar_mean\":%.0f,\"with_grammar_mean\":%.0f,"
              + "\"without_grammar_p99\":%.0f,\"with_grammar_p99\":%.0f,"
              + "\"cold_mean\":%.0f,\"cold_max\":%.0f}%n",
          tokenizer.vocabularySize(),
          answer.length,
          trie,
          compile,
          mean(plain),
          mean(masked),
          p99(plain),
          p99(masked),
          mean(cold),
          Arrays.stream(cold).max().orElseThrow());
    }
  }

  private static long now() {
    return THREADS.getCurrentThreadCpuTime();
  }

  private static double mean(double[] times) {
    return Arrays.stream(times).average().orElseThrow();
  }

  private static double p99(double[] times) {
    double[] sorted = times.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length * 99 / 100];
  }

  private static final class Run {
    private final MemorySegment row;
    private final Sampler sampler;
    private final int[] answer;
    private final SamplingParameters sampling = SamplingParameters.builder().seed(1).build();

    Run(Arena arena, int size, int[] answer) {
      this.answer = answer;
      sampler = new Sampler(size);
      row = arena.allocate((long) size * Float.BYTES, 64);
      Random random = new Random(7);
      for (int i = 0; i < size; i++) {
        row.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (3 * random.nextGaussian()));
      }
    }

    /** Microseconds for each token: sampling and going on in the grammar. */
    double[] answer(@Nullable GrammarMatcher matcher) {
      double[] times = new double[answer.length];
      for (int i = 0; i < answer.length; i++) {
        float usual = row.getAtIndex(ValueLayout.JAVA_FLOAT, answer[i]);
        row.setAtIndex(ValueLayout.JAVA_FLOAT, answer[i], 40);
        long start = now();
        if (!sampler.sample(row, 0, sampling, answer, i, matcher)
            || sampler.token() != answer[i]
            || (matcher != null && !matcher.accept(sampler.token()))) {
          throw new IllegalStateException("token " + i + " of the answer is not allowed");
        }
        times[i] = (now() - start) / 1e3;
        row.setAtIndex(ValueLayout.JAVA_FLOAT, answer[i], usual);
      }
      return times;
    }
  }
}
