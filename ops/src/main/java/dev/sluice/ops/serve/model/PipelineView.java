package dev.sluice.ops.serve.model;

import java.util.List;
import java.util.OptionalLong;

/**
 * How a pipeline does at one moment, for people to look at: nothing is decided by it.
 *
 * @param state {@code serving}, {@code building}, {@code unavailable} or {@code closed}
 * @param reason why it does not serve; empty where it does
 * @param epoch rises with every building of the pipeline
 * @param why it was built so; may be empty
 * @param running sequences in it
 * @param waiting requests that wait for a place in it
 * @param nodes those that compute, or could
 * @param stages in the order in which tokens pass them
 * @param links between neighbouring stages, the last one's to the first included
 */
public record PipelineView(
    State state,
    String reason,
    int epoch,
    String why,
    int running,
    int waiting,
    List<Node> nodes,
    List<Stage> stages,
    List<Link> links) {
  /** Whether it serves. */
  public enum State {
    SERVING,
    BUILDING,
    UNAVAILABLE,
    CLOSED
  }

  /**
   * A process.
   *
   * @param name unique
   * @param memoryBytes for weights, keys and values
   * @param roles what it does besides: {@code head}, {@code coordinator}
   * @param state {@code up}, {@code leaving} or {@code unreachable}
   */
  public record Node(String name, int cores, long memoryBytes, List<String> roles, String state) {
    public Node {
      roles = List.copyOf(roles);
    }
  }

  /**
   * A stage.
   *
   * @param node that hosts it
   * @param endLayer the first that it has not
   * @param state {@code ready}, {@code loading}, {@code failed} or {@code lost}
   * @param busyShare of the last seconds, what it computed in, 0..1
   * @param microBatches computed since it was built
   * @param fetchedBytes of its weights, while they come from other nodes
   * @param fetchBytes all of these; 0 where nothing is fetched
   */
  public record Stage(
      String node,
      int firstLayer,
      int endLayer,
      String state,
      double busyShare,
      long microBatches,
      long kvUsedBytes,
      long kvBytes,
      long fetchedBytes,
      long fetchBytes) {}

  /**
   * A way from a stage to the next.
   *
   * @param from index of a stage
   * @param to index of the next
   * @param kind what the time says
   * @param nanos of it; empty where nothing was measured
   */
  public record Link(int from, int to, Kind kind, OptionalLong nanos) {
    /** What a link's time says. */
    public enum Kind {
      /** There and back between two machines. */
      ROUND_TRIP,
      /** From one stage's offer to the next one's taking it, within a process. */
      HOP
    }
  }

  public PipelineView {
    nodes = List.copyOf(nodes);
    stages = List.copyOf(stages);
    links = List.copyOf(links);
  }
}
