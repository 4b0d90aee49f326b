package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.ops.train.TestVocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training as processes of their own that are killed, interrupted, and denied the disk. */
class TrainSystemTest {
  private static final int KILLED = 137;

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void writeText() throws IOException {
    TestVocabulary.write(folder.resolve("vocabulary.gguf"), TestVocabulary.TEMPLATE);
    StringBuilder texts = new StringBuilder();
    StringBuilder chats = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      String word = "mill ".repeat(1 + i % 4) + (char) ('a' + i % 26);
      texts.append("{\"text\":\"the ").append(word).append(" turns\"}\n");
      chats.append("{\"messages\":[{\"role\":\"user\",\"content\":\"").append(word);
      chats.append("\"},{\"role\":\"assistant\",\"content\":\"turns\"}]}\n");
    }
    Files.writeString(folder.resolve("text.jsonl"), texts);
    Files.writeString(folder.resolve("chat.jsonl"), chats);
  }

  @Test
  void shouldGoOnAfterAKillAndAnInterruptAsIfNothingHadHappened() throws Exception {
    assertThat(finish(pretrain("whole", 300, 9)).err()).contains("MiB").doesNotContain("goes on");
    try (SluiceProcess process = SluiceProcess.start(folder, pretrain("broken", 300, 9))) {
      awaitRows("broken", process, 40);
      process.signal("KILL");
      assertThat(process.await().exitCode()).isEqualTo(KILLED);
    }
    try (SluiceProcess process = SluiceProcess.start(folder, resume("broken"))) {
      awaitRows("broken", process, rows("broken") + 40);
      process.signal("INT");
      SluiceProcess.Result result = process.await();
      assertThat(result.exitCode()).isEqualTo(130);
      assertThat(result.err()).contains("goes on behind step", "stopped at step", "--resume");
    }
    SluiceProcess.Result result = finish(resume("broken"));
    assertThat(result.err()).contains("goes on behind step");
    assertThat(result.out()).contains("done after step 300; perplexity ");
    assertSameRun("whole", "broken", 300);
    assertThat(Files.readString(folder.resolve("whole/loss.svg"))).contains("<svg");
    assertThat(checkpoints("whole")).hasSize(6).noneMatch(name -> name.endsWith(".tmp"));
  }

  @Test
  void shouldSurviveAFullDiskAndADamagedCheckpoint() throws Exception {
    List<String> limited = new ArrayList<>(List.of("sh", "-c", "ulimit -f 150; exec \"$@\"", "sh"));
    limited.addAll(SluiceProcess.command());
    limited.addAll(List.of(pretrain("run", 20, 10)));
    try (SluiceProcess process = SluiceProcess.startCommand(folder, limited)) {
      SluiceProcess.Result result = process.await();
      assertThat(result.exitCode()).as(result.err()).isEqualTo(1);
      assertThat(result.err()).contains("step-000000010.gguf: cannot be written: File too large");
      assertThat(checkpoints("run")).isEmpty();
    }
    finish(resume("run"));
    Path last = folder.resolve("run/checkpoints/step-000000020.gguf");
    byte[] whole = Files.readAllBytes(last);
    byte[] damaged = whole.clone();
    damaged[whole.length / 2] ^= 1;
    Files.write(last, damaged);
    SluiceProcess.Result result = finish(resume("run"));
    assertThat(result.err()).contains("step-000000020.gguf is passed over: it is damaged");
    assertThat(result.err()).contains("goes on behind step 10");
    assertThat(Files.readAllBytes(last)).isEqualTo(whole);
  }

  @Test
  void shouldFineTuneAdaptersAndExportThem() throws Exception {
    finish(pretrain("base", 20, 20));
    finish("train", "export", "--checkpoint=base", "--type=f32", "--out=base.gguf");
    SluiceProcess.Result tuned =
        finish(
            "train",
            "finetune",
            "--model=base.gguf",
            "--data=chat.jsonl",
            "--valid-split=0.1",
            "--out=tuned",
            "--lora",
            "--rank=2",
            "--steps=15",
            "--batch-tokens=128",
            "--lr=0.02",
            "--threads=1",
            "--json");
    JsonNode result = Fixtures.json(tuned.out());
    assertThat(result.get("step").intValue()).isEqualTo(15);
    assertThat(result.get("perplexity").doubleValue()).isBetween(1.0, 300.0);
    finish("train", "export", "--checkpoint=tuned", "--adapter", "--out=adapter.gguf");
    finish("train", "export", "--checkpoint=tuned", "--type=f32", "--out=merged.gguf");
    try (GgufFile merged = GgufFile.open(folder.resolve("merged.gguf"));
        GgufFile base = GgufFile.open(folder.resolve("base.gguf"))) {
      assertThat(merged.metadata().keys()).noneMatch(key -> key.startsWith("sluice.training"));
      assertThat(merged.tensors()).hasSameSizeAs(base.tensors());
    }
    double beside = loss("base.gguf", "--lora=adapter.gguf");
    assertThat(beside).isCloseTo(loss("merged.gguf"), within(1e-3)).isNotEqualTo(loss("base.gguf"));
  }

  private double loss(String model, String... more) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("score", "-m", model, "--json"));
    arguments.addAll(List.of(more));
    arguments.add("the mill turns");
    return Fixtures.json(finish(arguments.toArray(String[]::new)).out())
        .get("logprob")
        .doubleValue();
  }

  private SluiceProcess.Result finish(String... arguments) throws Exception {
    SluiceProcess.Result result = SluiceProcess.run(folder, arguments);
    assertThat(result.exitCode()).as(result.err()).isZero();
    return result;
  }

  private static String[] pretrain(String run, int steps, int checkpointEvery) {
    return new String[] {
      "train",
      "pretrain",
      "--tokenizer=vocabulary.gguf",
      "--data=text.jsonl",
      "--valid-split=0.1",
      "--out=" + run,
      "--layers=1",
      "--width=32",
      "--heads=2",
      "--ctx=32",
      "--batch-tokens=128",
      "--steps=" + steps,
      "--checkpoint-every=" + checkpointEvery,
      "--threads=1"
    };
  }

  private static String[] resume(String run) {
    return new String[] {"train", "pretrain", "--out=" + run, "--resume"};
  }

  private void awaitRows(String run, SluiceProcess process, long rows) {
    await()
        .atMost(Duration.ofMinutes(2))
        .pollInterval(Duration.ofMillis(5))
        .until(() -> rows(run) >= rows || !process.alive());
  }

  private long rows(String run) throws IOException {
    Path log = folder.resolve(run).resolve("log.csv");
    if (!Files.exists(log)) {
      return 0;
    }
    try (Stream<String> lines = Files.lines(log)) {
      return lines.count();
    }
  }

  private void assertSameRun(String a, String b, int step) throws IOException {
    String file = "checkpoints/step-%09d.gguf".formatted(step);
    for (String name : List.of("log.csv", file, file + ".sha256")) {
      assertThat(folder.resolve(b).resolve(name))
          .hasSameBinaryContentAs(folder.resolve(a).resolve(name));
    }
  }

  private List<String> checkpoints(String run) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(run).resolve("checkpoints"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("step-"))
          .toList();
    }
  }
}
