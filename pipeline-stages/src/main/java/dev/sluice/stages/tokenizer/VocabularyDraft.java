package dev.sluice.stages.tokenizer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A vocabulary that grows: tokens as a file writes them, each with an id and a type. */
final class VocabularyDraft {
  private final List<String> tokens = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final IntList types = new IntList(1 << 10);

  /**
   * Adds a token and answers its id.
   *
   * @throws TokenizerTrainingException where there is one that is written so
   */
  int add(String token, byte type) {
    int id = tokens.size();
    if (ids.putIfAbsent(token, id) != null) {
      throw new TokenizerTrainingException(
          "the token \"" + token + "\" is in the vocabulary twice; choose another special token");
    }
    tokens.add(token);
    types.add(type);
    return id;
  }

  /** The id of the token that is written so, or {@link Vocabulary#NONE}. */
  int find(String token) {
    return ids.getOrDefault(token, Vocabulary.NONE);
  }

  String token(int id) {
    return tokens.get(id);
  }

  boolean isNormal(int id) {
    return types.get(id) == TokenType.NORMAL;
  }

  int size() {
    return tokens.size();
  }

  List<String> tokens() {
    return Collections.unmodifiableList(tokens);
  }

  int[] types() {
    return types.toArray();
  }
}
