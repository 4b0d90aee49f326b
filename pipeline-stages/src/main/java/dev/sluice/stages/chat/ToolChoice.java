package dev.sluice.stages.chat;

/** Whether an answer asks for tools. */
public sealed interface ToolChoice {
  /** As the model likes. */
  record Auto() implements ToolChoice {}

  /** It asks for one at least. */
  record Required() implements ToolChoice {}

  /** It asks for this one. */
  record Named(String tool) implements ToolChoice {}
}
