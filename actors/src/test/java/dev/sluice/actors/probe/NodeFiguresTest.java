package dev.sluice.actors.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.kernel.WorkerPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NodeFiguresTest {
  private static final List<MatrixKind> KINDS =
      List.of(new MatrixKind(GgmlType.F32, 32, 32 * 4 * 64));

  @TempDir private Path folder = Path.of("");

  @Test
  void shouldMeasureInTheBackground() {
    try (WorkerPool pool = new WorkerPool(1)) {
      NodeFigures figures = NodeFigures.measured(folder, pool);
      CompletionStage<Void> done = figures.measure(KINDS);
      assertThat(figures.measure(KINDS)).as("once only").isCompleted();
      assertThat(done).succeedsWithin(Duration.ofMinutes(1));
      // A machine with much else to do may not be measured; what is never is another type.
      assertThat(figures.speeds().keySet()).isSubsetOf(GgmlType.F32);
    }
  }

  @Test
  void shouldNotMeasureWhereThatIsNotWanted() {
    try (WorkerPool pool = new WorkerPool(1)) {
      NodeFigures figures = NodeFigures.counted(pool);
      assertThat(figures.measure(KINDS)).isCompleted();
      assertThat(figures.speeds()).isEmpty();
      figures.roundTrips(Map.of("b", 5L));
      assertThat(figures.roundTrips()).isEqualTo(Map.of("b", 5L));
    }
  }
}
