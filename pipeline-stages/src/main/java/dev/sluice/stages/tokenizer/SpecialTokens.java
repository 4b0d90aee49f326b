package dev.sluice.stages.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds tokens that are written out in a text: the leftmost, of those the longest. A trie over
 * UTF-16 units, so each place in the text costs at most the length of the longest such token.
 * Immutable.
 */
final class SpecialTokens {

  /** Where a token stands in a text. */
  record Match(int start, int end, int id) {}

  private static final int ROOT = 0;

  private final LongIntMap children;
  private final BitSet firsts = new BitSet();
  private final int[] idOfNode;

  /** Those tokens of the vocabulary that are chosen. */
  SpecialTokens(Vocabulary vocabulary, IntPredicate chosen) {
    int units = 0;
    for (int id = 0; id < vocabulary.size(); id++) {
      units += chosen.test(id) ? vocabulary.piece(id).length : 0;
    }
    children = new LongIntMap(units);
    idOfNode = new int[units + 1];
    Arrays.fill(idOfNode, Vocabulary.NONE);
    int nodes = 1;
    for (int id = 0; id < vocabulary.size(); id++) {
      if (!chosen.test(id) || vocabulary.piece(id).length == 0) {
        continue;
      }
      String text = new String(vocabulary.piece(id), StandardCharsets.UTF_8);
      firsts.set(text.charAt(0));
      int node = ROOT;
      for (int i = 0; i < text.length(); i++) {
        node = children.putIfAbsent(edge(node, text.charAt(i)), nodes);
        nodes += node == nodes ? 1 : 0;
      }
      if (idOfNode[node] == Vocabulary.NONE) {
        idOfNode[node] = id;
      }
    }
  }

  /** The first match at {@code from} or behind it, or null. */
  @Nullable Match find(String text, int from) {
    if (firsts.isEmpty()) {
      return null;
    }
    for (int start = from; start < text.length(); start++) {
      if (!firsts.get(text.charAt(start))) {
        continue;
      }
      int id = Vocabulary.NONE;
      int end = start;
      int node = ROOT;
      for (int i = start; i < text.length(); i++) {
        node = children.get(edge(node, text.charAt(i)));
        if (node == LongIntMap.MISSING) {
          break;
        }
        if (idOfNode[node] != Vocabulary.NONE) {
          id = idOfNode[node];
          end = i + 1;
        }
      }
      if (id != Vocabulary.NONE) {
        return new Match(start, end, id);
      }
    }
    return null;
  }

  private static long edge(int node, char unit) {
    return (long) node << Character.SIZE | unit;
  }
}
