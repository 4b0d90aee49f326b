package dev.sluice.stages.chat;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one rendering has done so far, and the functions that a template calls. For one thread.
 *
 * <p>Jinjava notes an exception and goes on with what follows in the template; what has to end the
 * rendering is an {@link Error}, which it lets through.
 */
final class Rendering {

  /** Ends a rendering: the template says so, or does too much. */
  static final class Ended extends Error {
    private final String reason;

    Ended(String reason) {
      super(reason, null, false, false);
      this.reason = reason;
    }

    String reason() {
      return reason;
    }
  }

  private final int maxSteps;
  private final int maxText;
  private int steps;
  private int printed;

  /**
   * @param maxSteps how many steps all loops may take together
   * @param maxText how many characters may be printed, and be in one value; how many elements
   */
  Rendering(int maxSteps, int maxText) {
    this.maxSteps = maxSteps;
    this.maxText = maxText;
  }

  /** Calls one of the functions that {@link TemplateSource} and templates name. */
  @Nullable Object call(String name, List<@Nullable Object> arguments) {
    Object argument = arguments.isEmpty() ? null : arguments.get(0);
    return switch (name) {
      case "step" -> step();
      case "print" -> print(argument);
      case "keep" -> keep(argument);
      case "raise_exception" ->
          throw new Ended("the template refuses this conversation: " + argument);
      case "strftime_now" -> TemplateFunctions.now(Objects.toString(argument, ""));
      default -> throw new Ended("it asks for the unknown function " + name);
    };
  }

  private String step() {
    if (++steps > maxSteps) {
      throw new Ended("its loops take more than " + maxSteps + " steps");
    }
    return "";
  }

  private @Nullable Object print(@Nullable Object value) {
    Object shown = value instanceof Boolean truth ? (truth ? "True" : "False") : keep(value);
    if (shown instanceof String text) {
      printed += text.length();
      if (printed > maxText) {
        throw new Ended("it prints more than " + maxText + " characters");
      }
    }
    return shown;
  }

  private @Nullable Object keep(@Nullable Object value) {
    int size =
        switch (value) {
          case String text -> text.length();
          case List<?> list -> list.size();
          case null, default -> 0;
        };
    if (size > maxText) {
      throw new Ended("it makes a value of more than " + maxText + " characters or elements");
    }
    return value;
  }
}
