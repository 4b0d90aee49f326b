package dev.sluice.ops;

import dev.sluice.model.lora.LoraAdapter;
import dev.sluice.model.lora.ScaledAdapter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Low-rank adapters as the command line names them: {@code FILE} or {@code FILE=SCALE}. */
final class Adapters {
  private static final float MOST = 1000;

  private Adapters() {}

  /**
   * Reads adapters.
   *
   * @throws CommandException for a scale that is no number
   * @throws dev.sluice.model.gguf.ModelFileException for a file that is no adapter
   */
  static List<ScaledAdapter> read(List<String> named) {
    return named.stream().map(Adapters::read).toList();
  }

  private static ScaledAdapter read(String named) {
    int at = named.lastIndexOf('=');
    if (at < 0 || Files.exists(Path.of(named))) {
      return new ScaledAdapter(LoraAdapter.read(Path.of(named)), 1);
    }
    float scale = scale(named, named.substring(at + 1));
    return new ScaledAdapter(LoraAdapter.read(Path.of(named.substring(0, at))), scale);
  }

  private static float scale(String named, String text) {
    try {
      float scale = Float.parseFloat(text);
      if (Math.abs(scale) <= MOST) {
        return scale;
      }
    } catch (NumberFormatException _) {
      // Said below.
    }
    throw new CommandException(
        "--lora "
            + named
            + ": '"
            + text
            + "' is no scale; write FILE or FILE=SCALE, such as adapter.gguf=0.5 (at most "
            + (int) MOST
            + ")");
  }
}
