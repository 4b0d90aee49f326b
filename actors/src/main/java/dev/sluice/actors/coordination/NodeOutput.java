package dev.sluice.actors.coordination;

import java.util.List;

/** What {@link NodeDuties} makes happen. Called within its methods; must not call back. */
public interface NodeOutput {
  /** The node is to have these stages of the plan, and no others. */
  void host(EpochPlan plan, List<Integer> stages);

  /** The node is to have no stage. */
  void hostNothing();

  /** A scheduler is to begin here, without a pipeline so far. */
  void startHead(EpochPlan plan);

  /** The scheduler's pipeline is over; its sequences wait. */
  void suspendHead(String reason);

  /** The scheduler's next pipeline is ready. */
  void attachHead(EpochPlan plan, Attachment attachment);

  /** The scheduler is to go, and its sequences with it: another node has them now. */
  void dropHead();

  /** The report has changed. */
  void changed();
}
