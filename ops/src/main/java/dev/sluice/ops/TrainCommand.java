package dev.sluice.ops;

import dev.sluice.ops.train.CorpusCommand;
import dev.sluice.ops.train.ExportCommand;
import dev.sluice.ops.train.FinetuneCommand;
import dev.sluice.ops.train.PretrainCommand;
import dev.sluice.ops.train.TokenizerCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice train}: from text to a model, one verb a step. */
@Command(
    name = "train",
    description = "Makes a model: text to learn from, a tokenizer, pre-training, fine-tuning.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "VERB",
    subcommands = {
      CorpusCommand.class,
      TokenizerCommand.class,
      PretrainCommand.class,
      FinetuneCommand.class,
      ExportCommand.class
    })
final class TrainCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which verb of train?");
  }
}
