package dev.sluice.ops.train;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.training.ModelShape;
import dev.sluice.model.training.Trainer;
import dev.sluice.model.training.TrainingOptions;
import dev.sluice.ops.CommandException;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice train pretrain}: a new model from text. */
@Command(
    name = "pretrain",
    description = "Trains a new model to predict the next token of text.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class PretrainCommand implements Callable<Integer> {
  private static final double LEARNING_RATE = 1e-3;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--tokenizer",
      paramLabel = "FILE",
      description = "GGUF file with the vocabulary: of 'train tokenizer', or any model's.")
  private @Nullable Path tokenizer;

  @Mixin private RunOptions run = new RunOptions();
  @Mixin private ShapeOptions shape = new ShapeOptions();
  @Mixin private ScheduleOptions schedule = new ScheduleOptions();

  @Override
  public Integer call() {
    if (!run.resume()) {
      return train();
    }
    PretrainCommand begun = new PretrainCommand();
    SavedOptions.apply(run.folder().options(), spec, begun);
    return begun.train();
  }

  private int train() {
    try (GgufFile vocabulary = open()) {
      TrainingRun training = new TrainingRun(run, vocabulary.metadata());
      return training.run(spec, () -> plan(vocabulary));
    }
  }

  private TrainingRun.Plan plan(GgufFile vocabulary) {
    Tokenizer words = Tokenizer.of(vocabulary.metadata());
    ModelShape model = shape.shape(words.vocabularySize());
    ChatTemplate template = ChatTemplate.of(vocabulary.metadata(), words);
    DocumentEncoder encoder = new DocumentEncoder(words, template, false);
    Datasets data = Datasets.read(run.source(), encoder, words.vocabularySize());
    TrainingOptions options = schedule.options(data.training(), model.context(), LEARNING_RATE);
    return new TrainingRun.Plan(
        data,
        options,
        checkpoint ->
            checkpoint == null
                ? Trainer.create(model, options, data.training(), data.validation())
                : Trainer.resume(checkpoint, options, data.training(), data.validation()));
  }

  private GgufFile open() {
    if (tokenizer == null) {
      throw new CommandException("name a vocabulary by --tokenizer");
    }
    if (!Files.isRegularFile(tokenizer)) {
      throw new CommandException(
          tokenizer
              + ": "
              + (Files.exists(tokenizer) ? "not a file" : "no such file")
              + " (--tokenizer)");
    }
    return GgufFile.open(tokenizer);
  }
}
