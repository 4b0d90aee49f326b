package dev.sluice.ops.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sluice.model.training.Trainer;
import dev.sluice.ops.CommandException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LossLogTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void shouldHaveTheSameBytesWhenRowsBehindACheckpointAreWrittenAgain() throws IOException {
    write(0, 1, 9);
    byte[] whole = Files.readAllBytes(file());
    write(4, 5, 9);
    assertThat(Files.readAllBytes(file())).isEqualTo(whole);
    Files.write(file(), Arrays.copyOf(whole, whole.length - 3));
    write(8, 9, 9);
    assertThat(Files.readAllBytes(file())).isEqualTo(whole);
    write(0, 1, 9);
    assertThat(Files.readAllBytes(file())).isEqualTo(whole);
  }

  @Test
  void shouldWriteNumbersInFull() throws IOException {
    write(0, 1, 2);
    assertThat(Files.readString(file()))
        .isEqualTo(
            """
            step,loss,learning_rate,gradient_norm,tokens,validation_loss
            1,0.3333333333333333,0.001,0.5,100,
            2,0.6666666666666666,0.001,0.5,100,0.25
            """);
    assertThat(LossLog.rows(file()))
        .containsExactly(
            new LossLog.Row(1, 1 / 3.0, Double.NaN), new LossLog.Row(2, 2 / 3.0, 0.25));
  }

  @Test
  void shouldRefuseAGap() {
    write(0, 1, 3);
    assertThatExceptionOfType(CommandException.class)
        .isThrownBy(() -> LossLog.open(file(), 5))
        .withMessageContaining("log.csv")
        .withMessageContaining("ends at step 3");
  }

  @Test
  void shouldRefuseAFileOfOthers() throws IOException {
    for (String text : List.of("a,b\n1,2\n", "step,loss,learning_rate,gradient_norm,tokens\n")) {
      Files.writeString(file(), text);
      assertThatExceptionOfType(CommandException.class)
          .isThrownBy(() -> LossLog.open(file(), 0))
          .withMessageContaining("no log");
    }
    write(0, 1, 1, true);
    Files.writeString(file(), Files.readString(file()) + "2,x,,,,\n");
    assertThatExceptionOfType(CommandException.class)
        .isThrownBy(() -> LossLog.rows(file()))
        .withMessageContaining("2,x");
  }

  @Test
  void shouldBeginAnewWhereTheLogWasMovedAway() {
    write(7, 8, 9);
    write(8, 9, 9);
    assertThat(LossLog.rows(file())).extracting(LossLog.Row::step).containsExactly(8L, 9L);
  }

  @Test
  void shouldBeDrawn() throws IOException {
    write(0, 1, 2000);
    Path picture = folder.resolve("loss.svg");
    assertThat(LossChart.draw(LossLog.rows(file()), picture)).isEmpty();
    String svg = Files.readString(picture);
    assertThat(svg).contains("<svg", "width=\"900\"", "clipPath").endsWith("</svg\n>\n");
    assertThat(svg.length()).isLessThan(1 << 20);
    assertThat(LossChart.draw(LossLog.rows(file()), folder.resolve("none/loss.svg"))).isPresent();
  }

  private void write(long after, long first, long last) {
    write(after, first, last, false);
  }

  private void write(long after, long first, long last, boolean anew) {
    if (anew) {
      assertThat(file().toFile().delete()).isTrue();
    }
    try (LossLog log = LossLog.open(file(), after)) {
      for (long step = first; step <= last; step++) {
        double validation = step % 2 == 0 ? 0.25 : Double.NaN;
        log.add(new Trainer.Report(step, step / 3.0, 1e-3, 0.5, 100, validation, false));
      }
      log.force();
    }
  }

  private Path file() {
    return folder.resolve("log.csv");
  }
}
