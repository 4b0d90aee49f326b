package dev.sluice.ops;

import dev.sluice.actors.placement.PlacementException;
import dev.sluice.actors.security.SecurityConfigException;
import dev.sluice.actors.weights.WeightsException;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.store.StoreException;
import dev.sluice.ops.certs.CertsCommand;
import dev.sluice.ops.store.ListCommand;
import dev.sluice.ops.store.PullCommand;
import dev.sluice.ops.store.RemoveCommand;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.tokenizer.TokenizerTrainingException;
import java.io.PrintStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The command line. Exit codes: 0, 1 (it failed), 2 (bad usage), 130 (interrupted).
 *
 * <p>Data goes to standard output, everything else to standard error.
 */
@Command(
    name = "sluice",
    description = "Runs large language models over a pipeline of shards.",
    mixinStandardHelpOptions = true,
    versionProvider = Sluice.Version.class,
    synopsisSubcommandLabel = "VERB",
    subcommands = {
      RunCommand.class,
      ChatCommand.class,
      ServeCommand.class,
      KeyCommand.class,
      ScoreCommand.class,
      TokenizeCommand.class,
      PlanCommand.class,
      NodeCommand.class,
      StatusCommand.class,
      DrainCommand.class,
      RebalanceCommand.class,
      TrainCommand.class,
      QuantizeCommand.class,
      EvalCommand.class,
      BenchCommand.class,
      CertsCommand.class,
      PullCommand.class,
      ListCommand.class,
      RemoveCommand.class,
      StartupArchive.class
    },
    footer = {"", "sluice VERB --help explains a verb."})
public final class Sluice implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Show where in the program an error came from.")
  private boolean debug;

  private Sluice() {}

  /** Runs a command line in this process and exits. */
  public static void main(String[] args) {
    System.exit(execute(args));
  }

  /**
   * Runs a command line in this process.
   *
   * @return the exit code
   */
  static int execute(String... args) {
    Sluice sluice = new Sluice();
    CommandLine line = new CommandLine(sluice);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpAutoWidth(true);
    line.setParameterExceptionHandler(Sluice::onBadUsage);
    line.setExecutionExceptionHandler(
        (failure, _, _) -> {
          if (!Session.exiting()) {
            report(failure, sluice.debug);
          }
          return CommandLine.ExitCode.SOFTWARE;
        });
    return line.execute(args);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which verb?");
  }

  private static int onBadUsage(ParameterException failure, String[] args) {
    CommandLine verb = failure.getCommandLine();
    Streams.err().println("sluice: " + failure.getMessage());
    Streams.err().println("usage: " + verb.getCommandSpec().qualifiedName() + " --help explains.");
    return CommandLine.ExitCode.USAGE;
  }

  /** One line for what is the user's to mend; a bug says where it was seen. */
  private static void report(Throwable failure, boolean debug) {
    PrintStream err = Streams.err();
    Throwable inner = Failures.unwrap(failure);
    boolean expected =
        inner instanceof CommandException
            || inner instanceof ModelFileException
            || inner instanceof PlacementException
            || inner instanceof SecurityConfigException
            || inner instanceof StoreException
            || inner instanceof WeightsException
            || inner instanceof GenerationException
            || inner instanceof TokenizerTrainingException;
    err.println("sluice: " + Failures.message(failure));
    if (debug) {
      failure.printStackTrace(err);
    } else if (!expected) {
      err.println("sluice: --debug shows where it happened.");
    }
  }

  /** The version that the build wrote into the jar. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Sluice.class.getPackage().getImplementationVersion();
      return new String[] {"sluice " + (version == null ? "(not packaged)" : version)};
    }
  }
}
