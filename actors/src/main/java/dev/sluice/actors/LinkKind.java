package dev.sluice.actors;

/** What joins the stages of a pipeline within one process. */
public enum LinkKind {
  /** Shared memory. */
  IPC,
  /** UDP over the loopback device, as between machines. */
  UDP
}
