package dev.sluice.ops.train;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.training.CheckpointStore;
import dev.sluice.model.training.CheckpointStore.Checkpoint;
import dev.sluice.model.training.LoraOptions;
import dev.sluice.model.training.Trainer;
import dev.sluice.model.training.TrainingOptions;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Streams;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice train finetune}: a model that exists learns to answer. */
@Command(
    name = "finetune",
    description =
        "Trains a model further: of conversations it learns the assistant's answers, of text all.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class FinetuneCommand implements Callable<Integer> {
  private static final double LEARNING_RATE = 3e-4;
  private static final double LORA_LEARNING_RATE = 1e-3;
  private static final int DEFAULT_CONTEXT = 1024;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description = "GGUF model to begin with.")
  private @Nullable Path model;

  @Option(
      names = {"-c", "--checkpoint"},
      paramLabel = "FOLDER|FILE",
      description = "Instead of --model: a run's folder, for its last checkpoint, or one of them.")
  private @Nullable Path checkpoint;

  @Option(
      names = "--ctx",
      paramLabel = "N",
      description = "Longest sequence (default: the model's context, at most 1024).")
  private @Nullable Integer context;

  @Mixin private RunOptions run = new RunOptions();
  @Mixin private LoraArguments lora = new LoraArguments();
  @Mixin private ScheduleOptions schedule = new ScheduleOptions();

  @Override
  public Integer call() {
    if (!run.resume()) {
      return train();
    }
    FinetuneCommand begun = new FinetuneCommand();
    SavedOptions.apply(run.folder().options(), spec, begun);
    return begun.train();
  }

  private int train() {
    try (GgufFile file = GgufFile.open(start())) {
      return new TrainingRun(run, file.metadata()).run(spec, () -> plan(file));
    }
  }

  /** The model to begin with; a run that has a checkpoint of its own does not need it any more. */
  private Path start() {
    Path own = run.folder().checkpoints();
    if (run.resume() && Files.isDirectory(own)) {
      Optional<Checkpoint> last = CheckpointStore.latest(own, _ -> {});
      if (last.isPresent()) {
        return last.get().file();
      }
    }
    if (model == null && checkpoint != null) {
      return ExportCommand.file(checkpoint);
    }
    if (model == null || checkpoint != null) {
      throw new CommandException("name what to begin with by --model or --checkpoint, one of them");
    }
    if (!Files.isRegularFile(model)) {
      throw new CommandException(
          model + ": " + (Files.exists(model) ? "not a file" : "no such file") + " (--model)");
    }
    return model;
  }

  private TrainingRun.Plan plan(GgufFile file) {
    int longest = sequenceLength(file);
    LoraOptions adapters =
        lora.options(file.find("blk.0.ffn_gate.weight").isPresent()).orElse(null);
    Tokenizer words = Tokenizer.of(file.metadata());
    ChatTemplate template = ChatTemplate.of(file.metadata(), words);
    if (template.source() != ChatTemplate.Source.MODEL) {
      Streams.err()
          .println(
              "sluice: "
                  + file.path()
                  + " has no chat template; conversations are written as "
                  + (template.source() == ChatTemplate.Source.CHATML ? "ChatML" : "plain text"));
    }
    DocumentEncoder encoder = new DocumentEncoder(words, template, true);
    Datasets data = Datasets.read(run.source(), encoder, words.vocabularySize());
    TrainingOptions options =
        schedule.options(
            data.training(), longest, lora.asked() ? LORA_LEARNING_RATE : LEARNING_RATE);
    return new TrainingRun.Plan(
        data,
        options,
        from ->
            from == null
                ? Trainer.fineTune(file, adapters, options, data.training(), data.validation())
                : Trainer.resume(from, options, data.training(), data.validation()));
  }

  private int sequenceLength(GgufFile file) {
    int positions = ModelSpec.of(file).contextLength();
    if (context == null) {
      return Math.min(positions, DEFAULT_CONTEXT);
    }
    if (context < 1 || context > positions) {
      throw new CommandException(
          "--ctx " + context + ": the model has positions for sequences of 1 to " + positions);
    }
    return context;
  }
}
