package dev.sluice.ops.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchRuntimeException;

import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.ops.CommandException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What a user can mend is said: what, where, what to do. */
class TrainErrorsTest {
  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void writeFiles() throws IOException {
    TestVocabulary.write(folder.resolve("v.gguf"), TestVocabulary.TEMPLATE);
    new GgufWriter().string("general.architecture", "llama").write(folder.resolve("none.gguf"));
    Files.writeString(folder.resolve("a.txt"), "the mill turns");
    Files.writeString(folder.resolve("empty.txt"), "");
    Files.writeString(folder.resolve("empty.jsonl"), "\n\n");
    Files.write(folder.resolve("latin.txt"), new byte[] {'a', 'b', (byte) 0xE9, 'c'});
    Files.writeString(folder.resolve("bad.jsonl"), "{\"text\":\"a\"}\n{\"texts\":\"a\"}\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          v.gguf     | empty.jsonl | --steps=1                  | nothing to learn
          v.gguf     | latin.txt   | --steps=1                  | latin.txt
          v.gguf     | bad.jsonl   | --steps=1                  | bad.jsonl
          v.gguf     | missing.txt | --steps=1                  | missing.txt: no such file
          v.gguf     | a.txt       | --steps=0                  | steps must be positive: 0
          v.gguf     | a.txt       | --steps=1 --epochs=2       | one of --steps, --tokens and --epochs
          v.gguf     | a.txt       | --ctx=8192                 | must be positive and fit into a batch of 4096
          v.gguf     | a.txt       | --width=100 --heads=3      | cannot be cut into 3 heads
          v.gguf     | a.txt       | --heads=4 --kv-heads=3     | 4 heads cannot share 3
          v.gguf     | a.txt       | --lr=-1                    | learning rate must be 0 to 10: -1
          v.gguf     | a.txt       | --warmup=50 --steps=2      | warm-up must be
          v.gguf     | a.txt       | --valid-split=1            | --valid-split must be 0 to less than 1
          v.gguf     | a.txt       | --keep=0                   | --keep must be at least 1
          v.gguf     | a.txt       | --resume                   | no run to go on with
          none.gguf  | a.txt       | --steps=1                  | tokenizer.ggml.model
          lost.gguf  | a.txt       | --steps=1                  | no such file (--tokenizer)
          """)
  void shouldSayWhatIsWrongWithAPretraining(
      String tokenizer, String data, String options, String message) {
    List<String> arguments = new ArrayList<>(List.of(options.split(" ")));
    arguments.add("--tokenizer=" + folder.resolve(tokenizer));
    arguments.add("--data=" + folder.resolve(data));
    arguments.add("--out=" + folder.resolve("run"));
    assertThat(failure(new PretrainCommand(), arguments)).contains(message).doesNotContain("\n");
    assertThat(folder.resolve("run/options.json")).as("nothing has begun").doesNotExist();
  }

  @Test
  void shouldNotMixTwoRuns() throws IOException {
    Path run = Files.createDirectories(folder.resolve("run"));
    Files.writeString(
        run.resolve("options.json"),
        "{\"verb\":\"pretrain\",\"options\":{\"--lr\":[\"0.001\"],\"--threads\":[\"1\"]}}");
    List<String> start =
        List.of("--tokenizer=" + folder.resolve("v.gguf"), "--data=x.txt", "--out=" + run);
    assertThat(failure(new PretrainCommand(), start)).contains("holds a run already", "--resume");
    assertThat(failure(new PretrainCommand(), List.of("--out=" + run, "--resume", "--lr=0.002")))
        .contains("--lr was 0.001", "cannot be 0.002");
    assertThat(failure(new PretrainCommand(), List.of("--out=" + run, "--resume", "--threads=2")))
        .contains("--tokenizer");
    assertThat(failure(new FinetuneCommand(), List.of("--out=" + run, "--resume")))
        .contains("begun by 'train pretrain'");
    Files.writeString(run.resolve("options.json"), "[]");
    assertThat(failure(new PretrainCommand(), List.of("--out=" + run, "--resume")))
        .contains("options.json: not the options of a run");
  }

  @Test
  void shouldSayWhatIsWrongWithAFineTuning() {
    String out = "--out=" + folder.resolve("run");
    String model = "--model=" + folder.resolve("v.gguf");
    assertThat(failure(new FinetuneCommand(), List.of(out, "--data=a.txt")))
        .contains("--model or --checkpoint");
    assertThat(failure(new FinetuneCommand(), List.of(out, model, "--checkpoint=x")))
        .contains("one of them");
    assertThat(failure(new FinetuneCommand(), List.of(out, "--checkpoint=" + folder)))
        .contains("holds no good checkpoint");
    assertThat(failure(new FinetuneCommand(), List.of(out, "--model=lost.gguf")))
        .contains("lost.gguf: no such file");
  }

  @Test
  void shouldSayWhatIsWrongWithAnExport() {
    String out = "--out=" + folder.resolve("m.gguf");
    String file = "--checkpoint=" + folder.resolve("v.gguf");
    assertThat(failure(new ExportCommand(), List.of(out, file)))
        .contains("v.gguf.sha256 is not beside it");
    assertThat(failure(new ExportCommand(), List.of(out, file, "--type=q2_k")))
        .contains("give f32, f16");
    assertThat(failure(new ExportCommand(), List.of(out, "--checkpoint=lost")))
        .contains("lost: there is no such file");
  }

  private static String failure(Object command, List<String> arguments) {
    CommandLine line = new CommandLine(command);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.parseArgs(arguments.toArray(String[]::new));
    RuntimeException failure =
        catchRuntimeException(
            () -> {
              if (command instanceof Callable<?> verb) {
                verb.call();
              } else {
                ((Runnable) command).run();
              }
            });
    assertThat(failure).isInstanceOfAny(CommandException.class, ModelFileException.class);
    return String.valueOf(failure.getMessage());
  }
}
