package dev.sluice.ops;

import dev.sluice.model.lora.LoraAdapter;
import dev.sluice.model.lora.LowRank;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Writes a small adapter with seeded random elements. */
final class TestAdapter {
  private static final int RANK = 4;

  private TestAdapter() {}

  /** Adapts the queries of a llama's first layer, which are of {@code width} times itself. */
  static Path write(Path file, int width) {
    Random random = new Random(1);
    float[] a = new float[RANK * width];
    float[] b = new float[RANK * width];
    for (int i = 0; i < a.length; i++) {
      a[i] = (float) random.nextGaussian();
      b[i] = (float) random.nextGaussian();
    }
    LowRank pair = new LowRank("blk.0.attn_q.weight", width, width, RANK, a, b);
    LoraAdapter.writer("llama", RANK, List.of(pair)).write(file);
    return file;
  }
}
