package dev.sluice.ops;

import java.util.ArrayList;
import java.util.List;

/** Token ids as people write them: numbers with commas or white space between. */
final class TokenIds {
  private TokenIds() {}

  /**
   * Reads ids.
   *
   * @throws CommandException naming the first that is not a token of the vocabulary
   */
  static int[] parse(String text, int vocabularySize) {
    List<Integer> ids = new ArrayList<>();
    for (String word : text.trim().split("[,\\s]+", -1)) {
      if (word.isEmpty()) {
        continue;
      }
      int id;
      try {
        id = Integer.parseInt(word);
      } catch (NumberFormatException e) {
        throw new CommandException("'" + word + "' is not a token id; ids are numbers: 1,2,3", e);
      }
      if (id < 0 || id >= vocabularySize) {
        throw new CommandException(
            "token id " + id + " is outside the vocabulary (0.." + (vocabularySize - 1) + ")");
      }
      ids.add(id);
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }
}
