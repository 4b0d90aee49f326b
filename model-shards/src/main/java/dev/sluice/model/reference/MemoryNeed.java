package dev.sluice.model.reference;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.ShardOptions;
import java.lang.management.ManagementFactory;

/** What a shard will take, held against the machine before anything is allocated. */
final class MemoryNeed {
  private static final long MEGABYTE = 1_000_000;

  private MemoryNeed() {}

  /**
   * Refuses a shard that cannot fit.
   *
   * @throws IllegalArgumentException when weights and cache are larger than the machine's memory
   */
  static void check(GgufFile file, ModelSpec spec, ShardOptions options, Precision precision) {
    long need = weights(file, spec, options.range()) * precision.bytes();
    long row = (long) options.range().size() * (spec.keysLength() + spec.valuesLength());
    need += row * options.kvTokens() * precision.bytes();
    long memory =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    if (need > memory) {
      throw new IllegalArgumentException(
          "layers "
              + options.range()
              + " take "
              + need / MEGABYTE
              + " MB in "
              + precision
              + " on the reference backend, this machine has "
              + memory / MEGABYTE
              + " MB. Load fewer layers, set a smaller context, or use the vector backend");
    }
  }

  private static long weights(GgufFile file, ModelSpec spec, LayerRange range) {
    boolean isLast = range.end() == spec.layers();
    String head = file.find("output.weight").isPresent() ? "output.weight" : "token_embd.weight";
    long elements = 0;
    for (GgufTensor tensor : file.tensors()) {
      String name = tensor.name();
      if (name.startsWith("blk.") ? contains(range, name) : isLast && name.equals(head)) {
        elements += tensor.elements();
      }
    }
    return elements;
  }

  private static boolean contains(LayerRange range, String name) {
    for (int layer = range.first(); layer < range.end(); layer++) {
      if (name.startsWith("blk." + layer + ".")) {
        return true;
      }
    }
    return false;
  }
}
