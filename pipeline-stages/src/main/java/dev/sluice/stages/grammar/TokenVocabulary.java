package dev.sluice.stages.grammar;

import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The tokens of a model as grammars see them: a trie of their bytes in preorder, so that all tokens
 * with a common beginning stand in one range, and the tokens that end an answer. Immutable; for any
 * thread.
 */
public final class TokenVocabulary {
  /** Tokens longer than this never fit; there are none but padding. */
  private static final int MAX_TOKEN_BYTES = 1_024;

  private final int size;
  private final byte[][] bytes;
  private final int[] endOfGeneration;
  private final Map<String, Integer> specials = new HashMap<>();

  // Trie nodes in preorder, the root left out.
  private byte[] labels = new byte[1_024];
  private short[] depths = new short[1_024];
  private int[] subtreeEnds = new int[1_024];
  private int[] firstTokens = new int[1_024];
  private final int[] sameBytes;
  private int nodes;
  private int deepest;

  private TokenVocabulary(Tokenizer tokenizer) {
    size = tokenizer.vocabularySize();
    endOfGeneration = tokenizer.endOfGeneration();
    bytes = new byte[size][];
    sameBytes = new int[size];
    Arrays.fill(sameBytes, -1);
    Integer[] order = new Integer[size];
    for (int id = 0; id < size; id++) {
      order[id] = id;
      bytes[id] = tokenizer.bytes(id);
      if (tokenizer.isSpecial(id) || isMarker(bytes[id])) {
        specials.putIfAbsent(tokenizer.piece(id), id);
      }
    }
    for (int id : endOfGeneration) {
      bytes[id] = new byte[0]; // it ends the answer, whatever its text
    }
    Arrays.sort(
        order,
        (a, b) -> {
          int byBytes = Arrays.compareUnsigned(bytes[a], bytes[b]);
          return byBytes != 0 ? byBytes : Integer.compare(b, a);
        });
    build(order);
  }

  /** The tokens of a tokenizer; takes some tenths of a second where there are 100,000. */
  public static TokenVocabulary of(Tokenizer tokenizer) {
    return new TokenVocabulary(tokenizer);
  }

  private static boolean isMarker(byte[] text) {
    return text.length > 2 && text[0] == '<' && text[text.length - 1] == '>';
  }

  private void build(Integer[] order) {
    int[] path = new int[MAX_TOKEN_BYTES + 1]; // node at each depth
    byte[] before = {};
    for (int id : order) {
      byte[] token = bytes[id];
      if (token.length == 0 || token.length > MAX_TOKEN_BYTES) {
        continue;
      }
      int common = Arrays.mismatch(before, token);
      if (common < 0) {
        int node = path[token.length];
        sameBytes[id] = firstTokens[node];
        firstTokens[node] = id;
        continue;
      }
      close(path, before.length, common);
      for (int depth = common + 1; depth <= token.length; depth++) {
        path[depth] = add(token[depth - 1], depth);
      }
      firstTokens[path[token.length]] = id;
      before = token;
    }
    close(path, before.length, 0);
  }

  private void close(int[] path, int from, int to) {
    for (int depth = from; depth > to; depth--) {
      subtreeEnds[path[depth]] = nodes;
    }
  }

  private int add(byte label, int depth) {
    if (nodes == labels.length) {
      labels = Arrays.copyOf(labels, 2 * nodes);
      depths = Arrays.copyOf(depths, 2 * nodes);
      subtreeEnds = Arrays.copyOf(subtreeEnds, 2 * nodes);
      firstTokens = Arrays.copyOf(firstTokens, 2 * nodes);
    }
    labels[nodes] = label;
    depths[nodes] = (short) depth;
    firstTokens[nodes] = -1;
    deepest = Math.max(deepest, depth);
    return nodes++;
  }

  int size() {
    return size;
  }

  /** The bytes of a token, not to be changed; none for one that adds no text or ends the answer. */
  byte[] bytes(int token) {
    return bytes[token];
  }

  boolean ends(int token) {
    return Arrays.binarySearch(endOfGeneration, token) >= 0;
  }

  /** The tokens that end an answer; not to be changed. */
  int[] endOfGeneration() {
    return endOfGeneration;
  }

  /** Nodes of the trie, numbered in preorder. */
  int nodes() {
    return nodes;
  }

  /** The length of the longest token. */
  int deepest() {
    return deepest;
  }

  int label(int node) {
    return labels[node] & 0xFF;
  }

  /** From 1 on. */
  int depth(int node) {
    return depths[node];
  }

  /** The first node that does not begin with the bytes of this one. */
  int subtreeEnd(int node) {
    return subtreeEnds[node];
  }

  /** The first token with exactly these bytes; or -1. */
  int firstToken(int node) {
    return firstTokens[node];
  }

  /** The next token with the same bytes; or -1. */
  int nextToken(int token) {
    return sameBytes[token];
  }

  /** Whether an edge takes a token; none takes a token that ends the answer. */
  boolean takes(Automaton.TokenEdge edge, int token) {
    return !ends(token) && (id(edge) == token) != edge.negated();
  }

  /**
   * The token of an edge.
   *
   * @throws GrammarException where the vocabulary has none such
   */
  int id(Automaton.TokenEdge edge) {
    String name = edge.name();
    int id = name == null ? edge.id() : specials.getOrDefault(name, -1);
    if (id < 0 || id >= size) {
      throw new GrammarException(
          "the grammar has the token %s, and the model's vocabulary has not"
              .formatted(name == null ? "<[" + edge.id() + "]>" : name));
    }
    return id;
  }
}
