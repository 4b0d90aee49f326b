package dev.sluice.stages.chat;

/** How a model writes that it wants a tool. */
public enum ToolStyle {
  /** {@code <tool_call>{"name": …, "arguments": …}</tool_call>}: Hermes, Qwen. */
  TAGGED("<tool_call>", "</tool_call>", "arguments"),
  /** The whole answer is {@code {"name": …, "parameters": …}}: Llama 3. */
  BARE("", "", "parameters");

  private final String open;
  private final String close;
  private final String arguments;

  ToolStyle(String open, String close, String arguments) {
    this.open = open;
    this.close = close;
    this.arguments = arguments;
  }

  /**
   * The style that a chat template has its model write; the first one for a template that knows no
   * tools, as {@link Tools#instructions} tells the model.
   *
   * @param template its text; empty where there is none
   */
  public static ToolStyle of(String template) {
    return !template.contains("<tool_call>") && template.contains("\"parameters\"") ? BARE : TAGGED;
  }

  /**
   * A call as the model writes it, for a template that knows no calls.
   *
   * @param arguments JSON, an object
   */
  public String written(String name, String arguments) {
    return "%s{\"name\": \"%s\", \"%s\": %s}%s"
        .formatted(open, name, this.arguments, arguments, close);
  }

  String open() {
    return open;
  }

  String close() {
    return close;
  }

  /** The member of a call that has the arguments. */
  String arguments() {
    return arguments;
  }
}
