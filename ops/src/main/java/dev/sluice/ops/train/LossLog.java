package dev.sluice.ops.train;

import dev.sluice.model.training.Trainer;
import dev.sluice.ops.CommandException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The loss of every step, a row of CSV each. Nothing in it depends on the clock, and numbers are
 * written in full, so that a run that was killed and resumed has the same bytes as one that was
 * not.
 */
final class LossLog implements AutoCloseable {
  private static final String HEADER =
      "step,loss,learning_rate,gradient_norm,tokens,validation_loss";

  private static final long MAX_BYTES = 256L << 20;

  private final Path file;
  private final FileChannel channel;

  /** One row; the validation loss is NaN where it was not measured. */
  record Row(long step, double loss, double validationLoss) {}

  private LossLog(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens the log of a run that goes on behind {@code step}, and drops rows that were written after
   * the checkpoint of that step.
   *
   * @throws CommandException if rows up to that step are missing, or the file cannot be written
   */
  static LossLog open(Path file, long step) {
    try {
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      try {
        LossLog log = new LossLog(file, channel);
        log.truncate(step);
        return log;
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw new CommandException(file + ": cannot be written: " + e.getMessage(), e);
    }
  }

  /** Adds a row. */
  void add(Trainer.Report report) {
    write(
        report.step()
            + ","
            + report.loss()
            + ","
            + report.learningRate()
            + ","
            + report.gradientNorm()
            + ","
            + report.tokens()
            + ","
            + (Double.isNaN(report.validationLoss()) ? "" : report.validationLoss())
            + "\n");
  }

  /** Returns when all rows are on the disk, as they must be before a checkpoint of their step. */
  void force() {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw cannotWrite(e);
    }
  }

  /** All whole rows, for a picture of them. */
  static List<Row> rows(Path file) {
    List<Row> rows = new ArrayList<>();
    for (String line : lines(file)) {
      if (!line.equals(HEADER)) {
        rows.add(row(file, line));
      }
    }
    return rows;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw cannotWrite(e);
    }
  }

  private void truncate(long step) throws IOException {
    List<String> lines = lines(file);
    if (lines.isEmpty()) {
      channel.truncate(0);
      write(HEADER + "\n");
      return;
    }
    if (!lines.getFirst().equals(HEADER)) {
      throw new CommandException(file + ": is no log of a training; move it away");
    }
    long end = HEADER.length() + 1L;
    long last = step;
    for (String line : lines.subList(1, lines.size())) {
      Row row = row(file, line);
      if (row.step() > step) {
        break;
      }
      last = row.step();
      end += line.length() + 1L;
    }
    if (last != step) {
      throw new CommandException(
          file
              + ": ends at step "
              + last
              + ", before the checkpoint of step "
              + step
              + "; move it away to begin a new log");
    }
    channel.truncate(end).position(end);
  }

  /** The lines that were written to their end. */
  private static List<String> lines(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new CommandException(file + ": longer than " + (MAX_BYTES >> 20) + " MiB");
      }
      String text = Files.readString(file, StandardCharsets.ISO_8859_1);
      return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    } catch (IOException e) {
      throw new CommandException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static Row row(Path file, String line) {
    String[] fields = line.split(",", -1);
    try {
      if (fields.length == 6) {
        return new Row(
            Long.parseLong(fields[0]),
            Double.parseDouble(fields[1]),
            fields[5].isEmpty() ? Double.NaN : Double.parseDouble(fields[5]));
      }
    } catch (NumberFormatException _) {
      // said below
    }
    throw new CommandException(file + ": not a row of a log: '" + line + "'");
  }

  private void write(String text) {
    ByteBuffer bytes = StandardCharsets.US_ASCII.encode(text);
    try {
      while (bytes.hasRemaining()) {
        int _ = channel.write(bytes);
      }
    } catch (IOException e) {
      throw cannotWrite(e);
    }
  }

  private CommandException cannotWrite(IOException e) {
    return new CommandException(file + ": cannot be written: " + e.getMessage(), e);
  }
}
