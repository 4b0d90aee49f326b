package dev.sluice.ops;

import java.io.PrintStream;

/**
 * Text that is shown again and again: on a terminal each in the place of the one before, elsewhere
 * one after the other with an empty line between. For one thread.
 */
final class Screen {
  private static final String HOME = "\033[H";
  private static final String CLEAR_LINE = "\033[K";
  private static final String CLEAR_BELOW = "\033[J";

  private final PrintStream out;
  private final boolean terminal;
  private boolean shown;

  Screen(PrintStream out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  /**
   * Shows a text of whole lines.
   *
   * @return false where nobody reads any more
   */
  boolean show(String text) {
    if (!terminal) {
      out.print(shown ? "\n" + text : text);
    } else {
      // Line by line over what is there: to clear all of it first would flicker.
      String first = shown ? "" : HOME + CLEAR_BELOW;
      out.print(first + HOME + text.replace("\n", CLEAR_LINE + "\n") + CLEAR_BELOW);
    }
    shown = true;
    out.flush();
    return !out.checkError();
  }
}
