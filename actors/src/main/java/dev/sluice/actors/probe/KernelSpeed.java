package dev.sluice.actors.probe;

import dev.sluice.actors.placement.KernelRate;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.kernel.WorkerPool;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures how fast this machine computes with a model's weights: the real kernels on matrices of
 * the model's types and row lengths, with all threads. It takes about a second, and nothing when it
 * was done before by the same program on the same machine.
 */
public final class KernelSpeed {
  private static final Logger LOG = LoggerFactory.getLogger(KernelSpeed.class);

  /** To be raised when kernels become faster or slower. */
  private static final int KERNELS_VERSION = 2;

  private static final long BUDGET_NANOS = 800_000_000;
  private static final int MAX_CPU_LINE = 200;

  private KernelSpeed() {}

  /**
   * The speeds of this machine, measured or found in the cache; without those that could not be
   * measured because other programs had the processor; these are tried again the next time. Blocks
   * for about a second, up to four where compiling takes long, and takes up to 64 MiB meanwhile.
   *
   * @param kinds see {@link MatrixKind#of}
   * @param pool the threads that will compute
   * @param folder where measured speeds are kept, see {@link #defaultFolder}; made when missing,
   *     and never a reason to fail
   */
  public static Map<GgmlType, KernelRate> of(List<MatrixKind> kinds, WorkerPool pool, Path folder) {
    return of(kinds, pool, folder, machine(pool), clocks(), BUDGET_NANOS);
  }

  static Map<GgmlType, KernelRate> of(
      List<MatrixKind> kinds,
      WorkerPool pool,
      Path folder,
      String machine,
      SpeedRun.Clocks clocks,
      long budgetNanos) {
    SpeedCache cache = new SpeedCache(folder, machine);
    Map<GgmlType, KernelRate> speeds = new EnumMap<>(GgmlType.class);
    List<MatrixKind> missing = new ArrayList<>();
    for (MatrixKind kind : kinds) {
      Optional<KernelRate> known = cache.get(kind);
      known.ifPresentOrElse(rate -> speeds.put(kind.type(), rate), () -> missing.add(kind));
    }
    for (MatrixKind kind : missing) {
      new SpeedRun(kind, pool, clocks)
          .measure(budgetNanos / missing.size())
          .ifPresentOrElse(
              rate -> {
                cache.put(kind, rate);
                speeds.put(kind.type(), rate);
              },
              () -> LOG.info("The machine is too busy to measure how fast it is with {}", kind));
    }
    if (!missing.isEmpty()) {
      cache.save();
    }
    return speeds;
  }

  /**
   * The user's folder for caches ({@code XDG_CACHE_HOME}, else {@code ~/.cache}), Sluice's part.
   */
  public static Path defaultFolder() {
    String caches = System.getenv("XDG_CACHE_HOME");
    Path folder =
        caches == null || caches.isBlank() || !Path.of(caches).isAbsolute()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(caches);
    return folder.resolve("sluice");
  }

  /** Whatever a speed depends on besides the matrices. */
  private static String machine(WorkerPool pool) {
    return String.join(
        "; ",
        System.getProperty("os.arch"),
        processor(),
        Runtime.getRuntime().availableProcessors() + " cores",
        pool.threads() + " threads",
        System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"),
        "kernels " + KERNELS_VERSION + ", " + pool.kernelName());
  }

  private static SpeedRun.Clocks clocks() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    return threads.isCurrentThreadCpuTimeSupported()
        ? new SpeedRun.Clocks(System::nanoTime, threads::getCurrentThreadCpuTime)
        : new SpeedRun.Clocks(System::nanoTime, System::nanoTime);
  }

  private static String processor() {
    try (BufferedReader lines = Files.newBufferedReader(Path.of("/proc/cpuinfo"))) {
      return lines
          .lines()
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(0, Math.min(MAX_CPU_LINE, line.length())))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("");
    } catch (IOException e) {
      return System.getProperty("os.name");
    }
  }
}
