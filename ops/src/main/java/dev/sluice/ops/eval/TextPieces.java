package dev.sluice.ops.eval;

import dev.sluice.model.training.corpus.Corpus;
import dev.sluice.model.training.corpus.Document;
import dev.sluice.model.training.corpus.Seeds;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Texts as sequences of tokens that fit into a context. */
public final class TextPieces {
  private TextPieces() {}

  /**
   * A text, cut where the context is full. Each piece begins with BOS, where the vocabulary has it
   * so, or else with the last token of the piece before, so that every token but the first is
   * predicted once.
   *
   * @throws IllegalArgumentException when there is nothing to predict
   */
  public static List<int[]> of(String text, Tokenizer tokenizer, int contextTokens) {
    int[] ids = tokenizer.encode(text, false, false);
    OptionalInt bos = tokenizer.addsBos() ? tokenizer.bos() : OptionalInt.empty();
    List<int[]> pieces = new ArrayList<>();
    int room = contextTokens - 1;
    int at = bos.isPresent() ? 0 : 1;
    while (at < ids.length) {
      int count = Math.min(room, ids.length - at);
      int[] piece = new int[count + 1];
      piece[0] = bos.isPresent() ? bos.getAsInt() : ids[at - 1];
      System.arraycopy(ids, at, piece, 1, count);
      pieces.add(piece);
      at += count;
    }
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException("the text has no token to predict");
    }
    return pieces;
  }

  /** Documents of our own that no training has seen, one after the other. */
  public static List<int[]> heldOut(
      long seed, int documents, Tokenizer tokenizer, int contextTokens) {
    long from = Math.max(seed, Seeds.FIRST_HELD_OUT);
    List<int[]> pieces = new ArrayList<>();
    for (int index = 0; index < documents; index++) {
      if (Corpus.document(from, index, Corpus.Kind.TEXT) instanceof Document.Text(String text)) {
        pieces.addAll(of(text, tokenizer, contextTokens));
      }
    }
    return pieces;
  }
}
