package dev.sluice.ops.serve.api;

import akka.NotUsed;
import akka.actor.ClassicActorSystemProvider;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.RawHeader;
import akka.japi.pf.PFBuilder;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.http.ResumableStreams;
import dev.sluice.ops.serve.http.Sse;
import dev.sluice.ops.serve.model.ChoiceEvent;
import dev.sluice.ops.serve.model.Failures;
import dev.sluice.ops.serve.model.Generation;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** How events of generations become answers: one by one, or all at the end. */
final class Streaming {
  private final ClassicActorSystemProvider system;
  private final ResumableStreams resumable;

  Streaming(ClassicActorSystemProvider system, ResumableStreams resumable) {
    this.system = system;
    this.resumable = resumable;
  }

  /** What a stream of events says of a generation. */
  interface Script {
    /** For an event. */
    List<ByteString> on(ChoiceEvent event);

    /** After the last. */
    List<ByteString> end();

    /** Where it failed half-way; the last. */
    default List<ByteString> failed(ApiException failure) {
      return List.of(Sse.data(Replies.object(failure)));
    }
  }

  /**
   * An answer in events. Its status is sent with the first event, so that what fails before has a
   * status of its own; or after a while, so that nobody thinks it dead.
   *
   * @param canResume whether the client may come back for the rest
   */
  CompletionStage<HttpResponse> events(
      Call call, Generation generation, Script script, boolean canResume) {
    CompletableFuture<?> soon =
        generation
            .first()
            .toCompletableFuture()
            .<Object>thenApply(event -> event)
            .completeOnTimeout(NotUsed.getInstance(), Sse.KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS);
    return soon.handle(
        (_, failure) -> {
          if (failure != null) {
            throw Failures.of(failure);
          }
          Source<ByteString, NotUsed> events = source(call, generation, script);
          return canResume ? resumable(call, generation, events) : Sse.response(events);
        });
  }

  private HttpResponse resumable(
      Call call, Generation generation, Source<ByteString, NotUsed> events) {
    String id = "stream-" + UUID.randomUUID();
    try {
      return Sse.response(resumable.open(id, call.caller(), events))
          .addHeader(RawHeader.create("X-Stream-Id", id));
    } catch (ApiException e) {
      generation.cancel();
      throw e;
    }
  }

  private static Source<ByteString, NotUsed> source(
      Call call, Generation generation, Script script) {
    return generation
        .source()
        .mapConcat(script::on)
        .concatLazy(Source.lazySource(() -> Source.from(script.end())))
        .recoverWithRetries(
            1,
            new PFBuilder<
                    Throwable, akka.stream.Graph<akka.stream.SourceShape<ByteString>, NotUsed>>()
                .matchAny(
                    failure -> {
                      ApiException told = Failures.of(failure);
                      call.ended("failed: " + told.code());
                      return Source.from(script.failed(told));
                    })
                .build())
        .watchTermination(
            (_, ended) -> {
              // Where the client went, nobody came to the end of the script.
              ended.whenComplete((_, _) -> call.ended("left"));
              return NotUsed.getInstance();
            });
  }

  /** All events to one consumer, then an answer. */
  CompletionStage<HttpResponse> whole(
      Generation generation, Consumer<ChoiceEvent> each, Supplier<HttpResponse> answer) {
    return generation
        .source()
        .runForeach(each::accept, system)
        .handle(
            (_, failure) -> {
              if (failure != null) {
                throw Failures.of(failure);
              }
              return answer.get();
            });
  }
}
