package dev.sluice.ops.train;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.training.CheckpointStore;
import dev.sluice.model.training.CheckpointStore.Checkpoint;
import dev.sluice.model.training.Trainer;
import dev.sluice.model.training.TrainingOptions;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Json;
import dev.sluice.ops.Streams;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;

/**
 * A training from its first step, or from its last good checkpoint, to its last step or until the
 * process is told to end: log, checkpoints, progress, result.
 */
final class TrainingRun {
  private static final int INTERRUPTED = 130;

  private final RunOptions run;
  private final RunFolder folder;
  private final GgufMetadata tokenizer;

  /** Makes the trainer, anew or from a checkpoint. */
  interface Start {
    Trainer trainer(@Nullable GgufFile checkpoint);
  }

  /** What is to be done, known when the text has been read. */
  record Plan(Datasets data, TrainingOptions options, Start start) {}

  /** Reads the text and plans; done when the folder is known to be free. */
  interface Planning {
    Plan plan();
  }

  TrainingRun(RunOptions run, GgufMetadata tokenizer) {
    this.run = run;
    this.folder = run.folder();
    this.tokenizer = tokenizer;
  }

  /**
   * Trains.
   *
   * @param command the command, for the record of its options
   * @return the exit code
   */
  int run(CommandSpec command, Planning planning) {
    folder.create();
    try (CheckpointStore store = CheckpointStore.open(folder.checkpoints(), run.keep())) {
      Optional<Checkpoint> last = store.latest(TrainingRun::say);
      if (!run.resume() && (last.isPresent() || Files.exists(folder.options()))) {
        throw new CommandException(
            folder.folder()
                + ": holds a run already; go on with it by --resume, or choose another --out");
      }
      Plan plan = planning.plan();
      Path from = last.map(Checkpoint::file).orElse(null);
      try (GgufFile checkpoint = from == null ? null : GgufFile.open(from);
          Trainer trainer = start(plan, checkpoint)) {
        describe(plan, trainer);
        if (!run.resume()) {
          SavedOptions.write(folder.options(), command);
        }
        return train(plan, trainer, store);
      }
    }
  }

  private int train(Plan plan, Trainer trainer, CheckpointStore store) {
    try (TrainingProgress progress = new TrainingProgress(plan.options().steps());
        LossLog log = LossLog.open(folder.log(), trainer.step());
        Interrupt interrupt = Interrupt.install()) {
      Trainer.@Nullable Report last = null;
      long saved = trainer.step();
      long every = run.checkpointEvery(plan.options().steps());
      while (!trainer.finished() && !interrupt.wished()) {
        last = advance(trainer);
        log.add(last);
        progress.show(last);
        if (last.step() % every == 0) {
          save(trainer, store, log);
          saved = last.step();
        }
      }
      progress.end();
      if (trainer.step() > saved) {
        save(trainer, store, log);
      }
      if (!interrupt.wished()) { // AWT does not start in a process that ends
        LossChart.draw(LossLog.rows(folder.log()), folder.chart()).ifPresent(TrainingRun::say);
      }
      return end(plan, trainer, interrupt.wished(), last);
    }
  }

  private static Trainer.Report advance(Trainer trainer) {
    try {
      return trainer.advance();
    } catch (IllegalStateException e) { // the loss is no longer a number
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Saves; the log is on the disk first, so that it never ends before a checkpoint. */
  private void save(Trainer trainer, CheckpointStore store, LossLog log) {
    log.force();
    Path _ = store.save(trainer.step(), trainer.checkpoint(tokenizer));
  }

  private int end(Plan plan, Trainer trainer, boolean interrupted, Trainer.@Nullable Report last) {
    boolean finished = trainer.finished();
    double validation = Double.NaN;
    if (finished) {
      validation = last == null ? Double.NaN : last.validationLoss();
      if (Double.isNaN(validation)) {
        validation = trainer.validationLoss();
      }
    }
    if (run.asJson()) {
      print(plan, trainer, interrupted && !finished, last, validation);
    } else if (!finished) {
      say("stopped at step " + trainer.step() + ", which is saved; --resume goes on from there");
    } else {
      printResult(plan, trainer, validation);
    }
    Streams.out().flush();
    return interrupted ? INTERRUPTED : ExitCode.OK;
  }

  private static void printResult(Plan plan, Trainer trainer, double validation) {
    String steps =
        trainer.step() < plan.options().steps()
            ? "early stop after step " + trainer.step()
            : "done after step " + trainer.step();
    if (Double.isNaN(validation)) {
      Streams.out().println(steps + "; no held-out text to measure perplexity on");
    } else {
      Streams.out()
          .printf(
              Locale.ROOT,
              "%s; perplexity %.4f on held-out text (loss %.4f over %d tokens)%n",
              steps,
              Math.exp(validation),
              validation,
              plan.data().validation().learntTokens());
    }
  }

  private void print(
      Plan plan,
      Trainer trainer,
      boolean interrupted,
      Trainer.@Nullable Report last,
      double validation) {
    Json.print(
        json -> {
          json.writeNumberField("step", trainer.step());
          json.writeNumberField("steps", plan.options().steps());
          json.writeBooleanField("interrupted", interrupted);
          Json.number(json, "loss", last == null ? Double.NaN : last.loss());
          Json.number(json, "validation_loss", validation);
          Json.number(json, "perplexity", Math.exp(validation));
          json.writeStringField("checkpoints", folder.checkpoints().toString());
        });
  }

  private static Trainer start(Plan plan, @Nullable GgufFile checkpoint) {
    try {
      return plan.start().trainer(checkpoint);
    } catch (IllegalArgumentException e) {
      throw new CommandException(String.valueOf(e.getMessage()), e);
    } catch (OutOfMemoryError e) {
      throw new CommandException(
          "not enough memory for this model and batch; take a smaller --batch-tokens or shape", e);
    }
  }

  private static void describe(Plan plan, Trainer trainer) {
    Datasets data = plan.data();
    TrainingOptions options = plan.options();
    say(
        String.format(
            Locale.ROOT,
            "%,d documents, %,d tokens to learn from; held out: %,d documents, %,d tokens",
            data.training().documents(),
            data.training().tokens(),
            data.validation().documents(),
            data.validation().tokens()));
    say(
        String.format(
            Locale.ROOT,
            "%,d parameters; training takes %.1f MiB beside %.1f MiB of text; %s step %d of %d",
            trainer.shape().parameters(),
            trainer.memoryBytes() / (double) (1 << 20),
            (data.training().tokens() + data.validation().tokens()) * 4.125 / (1 << 20),
            trainer.step() == 0 ? "from" : "goes on behind",
            trainer.step(),
            options.steps()));
  }

  private static void say(String line) {
    Streams.err().println("sluice: " + line);
    Streams.err().flush();
  }
}
