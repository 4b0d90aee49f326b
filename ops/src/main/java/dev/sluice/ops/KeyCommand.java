package dev.sluice.ops;

import dev.sluice.ops.serve.http.KeyFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sluice key}: a key for a server. */
@Command(
    name = "key",
    description = {
      "Makes an API key for 'sluice serve --api-keys FILE'.",
      "Prints the key, which nobody can tell again, and the line for the file, which has its hash."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class KeyCommand implements Runnable {
  @Parameters(paramLabel = "NAME", description = "Whose key it is; for logs and limits.")
  private String name = "";

  @Override
  public void run() {
    String key = KeyFile.newKey();
    Streams.out().println(key);
    Streams.out().println(KeyFile.line(name, key));
    Streams.out().flush();
  }
}
