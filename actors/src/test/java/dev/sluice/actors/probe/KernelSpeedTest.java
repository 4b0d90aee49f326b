package dev.sluice.actors.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.placement.KernelRate;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.kernel.WorkerPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** By a clock that moves on by a stated time with every look. */
final class KernelSpeedTest {
  private static final List<MatrixKind> KINDS =
      List.of(
          new MatrixKind(GgmlType.F32, 32, 32 * 4 * 64),
          new MatrixKind(GgmlType.Q8_0, 32, 34 * 64));

  /** Time for some products. */
  private static final long BUDGET = 80_000;

  @TempDir private Path folder;
  private final AtomicLong looks = new AtomicLong();

  @Test
  void shouldMeasureEveryKind() {
    Map<GgmlType, KernelRate> speeds = measure("machine", clock(1000));

    assertThat(speeds).containsOnlyKeys(GgmlType.F32, GgmlType.Q8_0);
    // All 64 rows of 32 columns in a microsecond, with one token and with 64.
    assertThat(speeds.get(GgmlType.F32)).isEqualTo(new KernelRate(64 * 32 * 1e6, 64 * 32 * 64e6));
    assertThat(speeds.get(GgmlType.Q8_0)).isEqualTo(speeds.get(GgmlType.F32));
  }

  @Test
  void shouldEndWhenTheTimeIsOver() {
    // A second to each product: one for each kind and way.
    measure("machine", clock(1_000_000_000));

    assertThat(looks.get()).isEqualTo(3L * 2 * KINDS.size());
  }

  @Test
  void shouldNotTakeWhatIsNotYetCompiledForTheMachine() {
    assertThat(measure("machine", clock(10_000_000))).isEmpty();
    assertThat(measure("machine", clock(1000))).hasSize(2);
  }

  @Test
  void shouldNotTakeWhatWasMeasuredBesideOthersForTheMachine() {
    SpeedRun.Clocks busy =
        new SpeedRun.Clocks(() -> looks.incrementAndGet() * 1000, () -> looks.get() * 400);
    assertThat(measure("machine", busy)).isEmpty();
    assertThat(measure("machine", clock(1000))).hasSize(2);
  }

  @Test
  void shouldMeasureOnceForAMachine() {
    Map<GgmlType, KernelRate> first = measure("machine", clock(1000));
    LongSupplier never =
        () -> {
          throw new AssertionError("measured again");
        };
    Map<GgmlType, KernelRate> again = measure("machine", new SpeedRun.Clocks(never, never));
    assertThat(again).isEqualTo(first);

    looks.set(0);
    assertThat(measure("another machine", clock(2000))).isNotEqualTo(first);
    assertThat(looks.get()).isPositive();
  }

  @Test
  void shouldMeasureAgainWhatTheDiskHasSpoilt() throws IOException {
    Map<GgmlType, KernelRate> first = measure("machine", clock(1000));
    Path file;
    try (Stream<Path> files = Files.list(folder)) {
      file = files.findFirst().orElseThrow();
    }
    String text = Files.readString(file);
    for (String spoilt :
        List.of(
            "", "\\u00zz", text.replaceAll("=[0-9.E]+ ", "=NaN "), text.replace("machine", "x"))) {
      Files.writeString(file, spoilt);
      assertThat(measure("machine", clock(1000))).as(spoilt).isEqualTo(first);
    }
  }

  @Test
  void shouldDoWithoutADisk() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    try (WorkerPool pool = new WorkerPool(1)) {
      assertThat(KernelSpeed.of(KINDS, pool, file, "machine", clock(1000), BUDGET)).hasSize(2);
    }
  }

  private Map<GgmlType, KernelRate> measure(String machine, SpeedRun.Clocks clock) {
    try (WorkerPool pool = new WorkerPool(1)) {
      return KernelSpeed.of(KINDS, pool, folder, machine, clock, BUDGET);
    }
  }

  /** The thread computes all the time. */
  private SpeedRun.Clocks clock(long nanos) {
    return new SpeedRun.Clocks(() -> looks.incrementAndGet() * nanos, () -> looks.get() * nanos);
  }
}
