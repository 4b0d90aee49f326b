package dev.sluice.model.lora;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Makes adapters with seeded random elements. */
public final class TestAdapters {
  private TestAdapters() {}

  /** A pair with elements of about one over the root of the inputs. */
  public static LowRank pair(String target, int inputs, int outputs, int rank, long seed) {
    Random random = new Random(seed);
    return new LowRank(
        target,
        inputs,
        outputs,
        rank,
        normal(random, rank * inputs, 1 / Math.sqrt(inputs)),
        normal(random, outputs * rank, 1 / Math.sqrt(rank)));
  }

  /**
   * Writes an adapter for some matrices of a model's layers, drawn from the seed: at least one, of
   * any rank from 1 to 9.
   */
  public static LoraAdapter random(GgufFile model, long seed, Path file) {
    Random random = new Random(seed);
    List<LowRank> pairs = new ArrayList<>();
    while (pairs.isEmpty()) {
      for (GgufTensor tensor : model.tensors()) {
        boolean matrix = tensor.name().startsWith("blk.") && tensor.dimensions().length == 2;
        if (matrix && random.nextInt(3) > 0) {
          pairs.add(
              pair(
                  tensor.name(),
                  (int) tensor.columns(),
                  (int) tensor.rows(),
                  1 + random.nextInt(9),
                  random.nextLong()));
        }
      }
    }
    String architecture = model.metadata().string("general.architecture");
    LoraAdapter.writer(architecture, 1 + random.nextInt(8), pairs).write(file);
    return LoraAdapter.read(file);
  }

  private static float[] normal(Random random, int count, double spread) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (spread * random.nextGaussian());
    }
    return values;
  }
}
