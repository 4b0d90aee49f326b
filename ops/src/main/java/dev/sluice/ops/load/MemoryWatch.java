package dev.sluice.ops.load;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What this process holds after a garbage collection: some time into a run, and at its end. Whoever
 * starts it closes it.
 */
public final class MemoryWatch implements AutoCloseable {
  private static final Path STATUS = Path.of("/proc/self/status");

  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
  private volatile @Nullable Sample early;
  private volatile @Nullable Sample late;

  /**
   * What was held.
   *
   * @param residentBytes of the whole process; 0 where the system does not tell
   */
  private record Sample(long heapBytes, long residentBytes) {
    static Sample take() {
      MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
      memory.gc();
      return new Sample(memory.getHeapMemoryUsage().getUsed(), resident());
    }

    private static long resident() {
      try {
        return Files.readAllLines(STATUS).stream()
            .filter(line -> line.startsWith("VmRSS:"))
            .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("[^0-9]", "")))
            .findFirst()
            .orElse(0);
      } catch (IOException e) {
        return 0;
      }
    }

    void write(JsonGenerator json, String name) throws IOException {
      json.writeObjectFieldStart(name);
      json.writeNumberField("heap_bytes", heapBytes);
      json.writeNumberField("resident_bytes", residentBytes);
      json.writeEndObject();
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "heap %.1f MiB, resident %.0f MiB", mib(heapBytes), mib(residentBytes));
    }

    private static double mib(long bytes) {
      return bytes / 1048576.0;
    }
  }

  private MemoryWatch() {}

  /** Looks for the first time after a while. */
  public static MemoryWatch start(Duration after) {
    MemoryWatch watch = new MemoryWatch();
    var _ =
        watch.timer.schedule(
            () -> watch.early = Sample.take(), after.toMillis(), TimeUnit.MILLISECONDS);
    return watch;
  }

  /** Looks for the last time. */
  public void end() {
    late = Sample.take();
  }

  /** The field {@code memory}. */
  public void write(JsonGenerator json) throws IOException {
    json.writeObjectFieldStart("memory");
    Sample first = early;
    Sample last = late;
    if (first != null) {
      first.write(json, "early");
    }
    if (last != null) {
      last.write(json, "end");
    }
    json.writeEndObject();
  }

  @Override
  public String toString() {
    return "memory          early: " + early + "; at the end: " + late + "\n";
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
