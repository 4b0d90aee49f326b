package dev.sluice.model.arch;

import dev.sluice.model.kernel.Elementwise;
import dev.sluice.model.kernel.Matrix;
import dev.sluice.model.kernel.Sinusoids;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** From tokens to rows: look-up, scale, and what positions add. */
record Embedding(
    Matrix tokens, @Nullable Matrix learnedPositions, boolean sinusoidal, float scale, int length) {

  static Embedding load(TensorLoader tensors, ModelSpec spec) {
    int length = spec.embeddingLength();
    Matrix table = tensors.matrix(TensorNames.TOKEN_EMBEDDING, spec.vocabularySize(), length);
    Matrix positions =
        switch (spec.position()) {
          case PositionEncoding.Learned() ->
              tensors.matrix(TensorNames.POSITION_EMBEDDING, spec.contextLength(), length);
          case PositionEncoding.Rope _, PositionEncoding.Sinusoidal() -> null;
        };
    boolean sinusoidal = spec.position() instanceof PositionEncoding.Sinusoidal;
    return new Embedding(table, positions, sinusoidal, spec.embeddingScale(), length);
  }

  /**
   * Writes the row of a token at a position.
   *
   * @param work room for a row, from its start
   */
  void write(int token, int position, MemorySegment x, long offset, MemorySegment work) {
    tokens.row(token, x, offset);
    if (scale != 1) {
      Elementwise.scale(x, offset, length, scale);
    }
    if (learnedPositions != null) {
      learnedPositions.row(position, work, 0);
      Elementwise.add(work, 0, x, offset, length);
    } else if (sinusoidal) {
      Sinusoids.write(position, work, 0, length);
      Elementwise.add(work, 0, x, offset, length);
    }
  }
}
