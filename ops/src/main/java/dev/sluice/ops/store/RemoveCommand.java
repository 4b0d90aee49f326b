package dev.sluice.ops.store;

import dev.sluice.model.store.ModelStore;
import dev.sluice.ops.Bytes;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.StoreOption;
import dev.sluice.ops.Streams;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code sluice rm}: models leave the store. */
@Command(
    name = "rm",
    description = "Removes models from the store. One that is in use stays.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class RemoveCommand implements Runnable {
  @Mixin private StoreOption store = new StoreOption();

  @Parameters(
      paramLabel = "NAME|ID",
      arity = "1..*",
      description = "A model's name, or six or more digits of its id.")
  private List<String> models = List.of();

  /** Made by the command line. */
  public RemoveCommand() {}

  @Override
  public void run() {
    ModelStore opened =
        store
            .find()
            .orElseThrow(
                () -> new CommandException("there is no store of models at " + store.folder()));
    for (String model : models) {
      long freed = opened.remove(model);
      Streams.out()
          .println(
              model
                  + ": removed"
                  + (freed == 0 ? " the name" : ", " + Bytes.text(freed) + " freed"));
      Streams.out().flush();
    }
  }
}
