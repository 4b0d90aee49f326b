package dev.sluice.ops.eval;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.Json;
import dev.sluice.ops.eval.Outcome.Graded;
import dev.sluice.ops.eval.Outcome.Likelihood;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/**
 * The outcomes as people and programs read them.
 *
 * @param plan what was asked
 * @param chat whether the model was asked by its chat template
 * @param outcomes how it did, in the order of asking
 */
public record EvalReport(EvalPlan plan, boolean chat, List<Outcome> outcomes) {
  /** Copies the outcomes. */
  public EvalReport {
    outcomes = List.copyOf(outcomes);
  }

  /** A table, a line an outcome. */
  public String table() {
    StringBuilder out = new StringBuilder();
    List<Graded> graded =
        outcomes.stream().filter(Graded.class::isInstance).map(Graded.class::cast).toList();
    if (!graded.isEmpty()) {
      line(
          out,
          String.format(
              Locale.ROOT,
              "%-10s %7s %7s %9s  %-17s %12s %12s",
              "task",
              "items",
              "right",
              "accuracy",
              "95 % interval",
              "log p/token",
              "log p/answer"));
      graded.forEach(each -> row(out, each));
    }
    for (Outcome outcome : outcomes) {
      if (outcome instanceof Likelihood text) {
        row(out, text);
      }
    }
    line(
        out,
        String.format(
            Locale.ROOT,
            "(%s, %s, %d shots%s%s, %d samples, seed %d)",
            chat ? "chat template" : "plain text",
            plan.worked() ? "step by step" : "direct answers",
            plan.shots(),
            plan.shuffleShots() ? " in shuffled order" : "",
            plan.shuffleLabels() ? " with shuffled answers" : "",
            plan.samples(),
            plan.seed()));
    return out.toString();
  }

  private static void row(StringBuilder out, Graded graded) {
    Interval interval = graded.interval();
    line(
        out,
        String.format(
            Locale.ROOT,
            "%-10s %7d %7d %7.1f %%  %-17s %12.4f %12.3f",
            graded.task().word(),
            graded.items(),
            graded.right(),
            100 * graded.accuracy(),
            String.format(
                Locale.ROOT, "%.1f to %.1f %%", 100 * interval.low(), 100 * interval.high()),
            graded.perToken(),
            graded.perAnswer()));
  }

  private static void row(StringBuilder out, Likelihood text) {
    Interval interval = text.interval();
    line(
        out,
        String.format(
            Locale.ROOT,
            "%-10s %.4f over %d tokens of %s%s",
            text.task().word(),
            text.perplexity(),
            text.tokens(),
            text.text(),
            Double.isNaN(interval.low())
                ? ""
                : String.format(
                    Locale.ROOT,
                    ", 95 %% interval %.4f to %.4f",
                    interval.low(),
                    interval.high())));
  }

  private static void line(StringBuilder out, String text) {
    out.append(text.stripTrailing()).append(System.lineSeparator());
  }

  /** The fields of a JSON object. */
  public void write(JsonGenerator json) throws IOException {
    json.writeNumberField("seed", plan.seed());
    json.writeStringField("prompts", chat ? "chat" : "plain");
    json.writeBooleanField("cot", plan.worked());
    json.writeNumberField("shots", plan.shots());
    json.writeBooleanField("shuffle_shots", plan.shuffleShots());
    json.writeBooleanField("shuffle_labels", plan.shuffleLabels());
    json.writeNumberField("samples", plan.samples());
    json.writeObjectFieldStart("tasks");
    for (Outcome outcome : outcomes) {
      json.writeObjectFieldStart(outcome.task().word());
      switch (outcome) {
        case Graded graded -> write(json, graded);
        case Likelihood text -> write(json, text);
      }
      json.writeEndObject();
    }
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, Graded graded) throws IOException {
    json.writeNumberField("items", graded.items());
    json.writeNumberField("right", graded.right());
    Json.number(json, "accuracy", graded.accuracy());
    write(json, graded.interval());
    Json.number(json, "logprob_per_token", graded.perToken());
    Json.number(json, "logprob_per_answer", graded.perAnswer());
    json.writeNumberField("answer_tokens", graded.tokens());
  }

  private static void write(JsonGenerator json, Likelihood text) throws IOException {
    json.writeStringField("text", text.text());
    json.writeNumberField("tokens", text.tokens());
    Json.number(json, "perplexity", text.perplexity());
    write(json, text.interval());
    Json.number(json, "logprob_per_token", -text.loss());
  }

  private static void write(JsonGenerator json, Interval interval) throws IOException {
    Json.number(json, "low", interval.low());
    Json.number(json, "high", interval.high());
  }
}
