package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.model.Generation;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** {@code POST /v1/responses}: text in, text out; nothing is stored. */
final class Responses {
  private static final int MAX_ITEMS = 4_096;

  private final Streaming streaming;
  private final Generations generations;

  Responses(Streaming streaming, Generations generations) {
    this.streaming = streaming;
    this.generations = generations;
  }

  CompletionStage<HttpResponse> handle(Call call) {
    ServedModel model = generations.model();
    JsonFields fields = call.json();
    Prompts.checkModel(model, fields);
    Optional<String> instructions = fields.text("instructions");
    List<ChatMessage> messages = new ArrayList<>();
    instructions.ifPresent(text -> messages.add(new ChatMessage("system", text)));
    messages.addAll(input(fields));
    Optional<Integer> most = fields.count("max_output_tokens", 1, TokenRequest.UNLIMITED);
    fields.only("n", "there is one answer", 1);
    fields.only("store", "answers are not stored: say store: false", false);
    fields.only("background", "answers are given at once", false);
    fields.only("truncation", "a prompt that is too long is refused", "disabled");
    fields.only("service_tier", "there is one tier only", "auto", "default");
    fields.unsupported(
        "tools",
        "tool_choice",
        "previous_response_id",
        "conversation",
        "reasoning",
        "include",
        "metadata",
        "prompt");
    Optional<JsonFields> text = fields.object("text");
    Optional<JsonFields> format = text.flatMap(given -> given.object("format"));
    String told =
        text.flatMap(given -> given.node("format"))
            .map(JsonNode::toString)
            .orElse(ResponseObject.TEXT_FORMAT);
    text.ifPresent(JsonFields::end);
    Terms terms =
        Terms.of(
            call,
            fields,
            most.orElse(TokenRequest.UNLIMITED),
            0,
            "n",
            format.flatMap(Formats::ofResponse));
    fields.end();
    List<Integer> ids = Prompts.ids(model, messages, Optional.empty());
    terms.checkRoom(model, ids.size(), "input");
    Generation generation =
        generations.begin(
            call,
            terms.batch(List.of(new TextRequest.Prompt.Ids(ids)), model.template().stopStrings()));
    ResponseObject object = new ResponseObject(call, model, terms, instructions, most, told);
    if (terms.stream()) {
      return streaming.events(
          call, generation, new ResponseScript(call, object), terms.resumable());
    }
    return streaming.whole(
        generation, event -> object.on(event.event()), () -> Replies.json(object::writeWhole));
  }

  private static List<ChatMessage> input(JsonFields fields) {
    if (fields.isText("input")) {
      return List.of(new ChatMessage("user", fields.requiredText("input")));
    }
    List<JsonFields> items =
        fields.objects("input", MAX_ITEMS).orElseThrow(() -> fields.missing("input"));
    if (items.isEmpty()) {
      throw ApiException.invalid("input", "input: must have at least one message");
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonFields item : items) {
      item.only("type", "only messages are supported", "message");
      item.text("id");
      item.text("status");
      messages.add(Prompts.message(item, "input_text", "output_text"));
    }
    return messages;
  }
}
