package dev.sluice.actors.coordination;

/** What {@link Coordination} makes happen. Called within its methods; must not call back. */
public interface CoordinationOutput {
  /** Tells a node all that it is to do. */
  void order(NodeId node, NodeOrder order);

  /** Has a node fetch what a stage that it is to get needs; told again as long as it lacks it. */
  void fetch(StagePlace place, String model);

  /** Tells all gateways. */
  void announce(PipelineState state);

  /** Something that whoever runs the cluster wants to read. */
  void log(String text);
}
