package dev.sluice.ops;

import dev.sluice.actors.cluster.ModelLibrary;
import dev.sluice.actors.weights.FetchProgress;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a node says on standard error: its own lines, and how far its fetches are: on a terminal in
 * place, elsewhere a line every few seconds. For any thread.
 */
final class FetchLines implements ModelLibrary.Watcher {
  private static final long PERIOD = TimeUnit.SECONDS.toNanos(5);

  private final Progress progress = new Progress();
  private final Map<String, Long> told = new HashMap<>();

  /** Says a line. */
  synchronized void say(String line) {
    progress.close();
    Streams.err().println("sluice: " + line);
    Streams.err().flush();
  }

  @Override
  public synchronized void onProgress(String what, FetchProgress at) {
    if (at.done() >= at.total() && !told.containsKey(what)) {
      return; // all of it was here
    }
    long now = System.nanoTime();
    Long before = told.get(what);
    if (before == null) {
      told.put(what, now - PERIOD);
      say("fetching " + what);
    }
    if (progress.onTerminal()) {
      progress.say(() -> text(what, at));
    } else if (before != null && now - before >= PERIOD) {
      told.put(what, now);
      say(text(what, at));
    }
  }

  static String text(String what, FetchProgress at) {
    return "%s: %s of %s, from %d %s"
        .formatted(
            what,
            Bytes.text(at.done()),
            Bytes.text(at.total()),
            at.sources(),
            at.sources() == 1 ? "node" : "nodes");
  }

  @Override
  public synchronized void onEnd(String what, @Nullable String failure) {
    boolean begun = told.remove(what) != null;
    if (failure != null) {
      say(failure);
    } else if (begun) {
      say(what + ": here");
    }
  }
}
