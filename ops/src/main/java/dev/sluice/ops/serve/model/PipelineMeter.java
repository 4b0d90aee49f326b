package dev.sluice.ops.serve.model;

import dev.sluice.actors.LatencyCounts;
import dev.sluice.actors.PipelineStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Tells how a pipeline in this process does, out of counters that only rise: shares are of the time
 * since an earlier reading. For any thread.
 */
public final class PipelineMeter {
  private static final long WINDOW_NANOS = Duration.ofMillis(1500).toNanos();
  private static final String HERE = "this process";

  private @Nullable PipelineStats older;
  private @Nullable PipelineStats newer;

  /** Takes a reading. */
  public synchronized PipelineView read(PipelineStats now) {
    if (newer != null && !comparable(newer, now)) {
      older = null;
      newer = null;
    }
    if (newer == null || now.elapsedNanos() - newer.elapsedNanos() >= WINDOW_NANOS) {
      older = newer;
      newer = now;
    }
    PipelineStats before = older == null ? newer : older;
    return view(now, now.since(before));
  }

  private static boolean comparable(PipelineStats then, PipelineStats now) {
    return then.epoch() == now.epoch()
        && then.stages().size() == now.stages().size()
        && then.elapsedNanos() <= now.elapsedNanos();
  }

  private static PipelineView view(PipelineStats now, PipelineStats lately) {
    int count = now.stages().size();
    return new PipelineView(
        PipelineView.State.SERVING,
        "",
        now.epoch(),
        "",
        now.scheduling().running(),
        now.scheduling().waiting(),
        List.of(
            new PipelineView.Node(
                HERE,
                Runtime.getRuntime().availableProcessors(),
                now.stages().stream().mapToLong(s -> s.kv().totalBytes()).sum(),
                List.of("head"),
                "up")),
        IntStream.range(0, count).mapToObj(i -> stage(now.stages().get(i), lately, i)).toList(),
        links(now, lately));
  }

  private static PipelineView.Stage stage(PipelineStats.Stage now, PipelineStats lately, int i) {
    return new PipelineView.Stage(
        HERE,
        now.range().first(),
        now.range().end(),
        "ready",
        Math.clamp(lately.busyShare(i), 0, 1),
        now.frames(),
        now.kv().usedBytes(),
        now.kv().totalBytes(),
        0,
        0);
  }

  private static List<PipelineView.Link> links(PipelineStats now, PipelineStats lately) {
    List<PipelineView.Link> links = new ArrayList<>();
    int count = now.stages().size();
    for (int to = 1; to < count; to++) {
      LatencyCounts hop = lately.stages().get(to).hop();
      OptionalLong nanos =
          hop.count() == 0 ? OptionalLong.empty() : OptionalLong.of(hop.quantileNanos(0.5));
      links.add(new PipelineView.Link(to - 1, to, PipelineView.Link.Kind.HOP, nanos));
    }
    if (count > 1) {
      links.add(
          new PipelineView.Link(count - 1, 0, PipelineView.Link.Kind.HOP, OptionalLong.empty()));
    }
    return links;
  }
}
