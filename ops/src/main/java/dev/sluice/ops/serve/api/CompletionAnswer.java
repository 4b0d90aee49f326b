package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.model.ChoiceEvent;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.TextEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Text completions that are answered when they are whole; of more than were wanted, the likeliest,
 * or one that says what most say.
 */
final class CompletionAnswer {
  private final Call call;
  private final ChatHead head;
  private final int n;
  private final int perPrompt;
  private final Optional<Vote> vote;
  private final List<Choice> choices = new ArrayList<>();
  private final UsageCount usage = new UsageCount();

  /** One of the answers. */
  private static final class Choice {
    final CompletionTexts texts;
    FinishReason reason = FinishReason.STOP;

    Choice(CompletionTexts texts) {
      this.texts = texts;
    }

    double meanLogProbability() {
      return texts.meanLogProbability();
    }
  }

  /**
   * Nothing answered yet.
   *
   * @param n answers wanted to each prompt
   * @param perPrompt answers computed to each
   * @param vote where one of them is to be chosen: to one prompt only
   */
  CompletionAnswer(
      Call call,
      ChatHead head,
      int prompts,
      int n,
      int perPrompt,
      boolean logprobs,
      Optional<Vote> vote) {
    this.call = call;
    this.head = head;
    this.n = n;
    this.perPrompt = perPrompt;
    this.vote = vote;
    TokenTexts tokens = new TokenTexts(head.model().tokenizer());
    for (int i = 0; i < prompts * perPrompt; i++) {
      choices.add(new Choice(new CompletionTexts(tokens, logprobs)));
    }
  }

  void on(ChoiceEvent event) {
    Choice choice = choices.get(event.choice());
    choice.texts.on(event.event());
    if (event.event() instanceof TextEvent.Finished finished) {
      choice.reason = finished.reason();
      usage.add(finished.usage(), event.choice() % perPrompt == 0);
    }
  }

  HttpResponse response() {
    call.used(usage.promptTokens(), usage.completionTokens());
    Optional<Vote.Result> voted =
        vote.map(v -> v.count(choices.stream().map(c -> c.texts.answer()).toList()));
    List<Choice> told = new ArrayList<>();
    if (voted.isPresent()) {
      told.add(choices.get(voted.get().first()));
    } else {
      for (int first = 0; first < choices.size(); first += perPrompt) {
        told.addAll(best(choices.subList(first, first + perPrompt)));
      }
    }
    return Replies.json(
        json -> {
          head.write(json, "text_completion");
          json.writeArrayFieldStart("choices");
          for (int i = 0; i < told.size(); i++) {
            write(json, i, told.get(i));
          }
          json.writeEndArray();
          usage.write(json);
          if (voted.isPresent()) {
            voted.get().write(json);
          }
        });
  }

  private List<Choice> best(List<Choice> some) {
    return n == perPrompt
        ? some
        : some.stream()
            .sorted(Comparator.comparingDouble(Choice::meanLogProbability).reversed())
            .limit(n)
            .toList();
  }

  private static void write(JsonGenerator json, int index, Choice choice) throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", index);
    json.writeStringField("text", choice.texts.takeText());
    choice.texts.writeProbabilities(json);
    json.writeStringField("finish_reason", ChatHead.word(choice.reason));
    json.writeEndObject();
  }
}
