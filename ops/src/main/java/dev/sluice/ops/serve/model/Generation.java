package dev.sluice.ops.serve.model;

import akka.Done;
import akka.NotUsed;
import akka.stream.Attributes;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.SinkQueueWithCancel;
import akka.stream.javadsl.Source;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextGeneration;
import dev.sluice.stages.flow.TextRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The answers to one request while they are made. It waits for its place, then runs on the model's
 * own actor system, and hands over one event each time that {@link #next} is called: who does not
 * call holds it back. It ends by itself when its time is over; whoever loses interest cancels it.
 */
public final class Generation {
  private final Admission.Ticket ticket;
  private final CompletableFuture<SinkQueueWithCancel<ChoiceEvent>> queue =
      new CompletableFuture<>();
  private final CompletionStage<Optional<ChoiceEvent>> first;
  private final AtomicBoolean ended = new AtomicBoolean();
  private boolean firstTaken;

  private Generation(
      Admission.Ticket ticket, ServedModel model, Batch batch, GenerationWatch watch) {
    this.ticket = ticket;
    long deadline = System.nanoTime() + batch.time().toNanos();
    queue.orTimeout(batch.time().toNanos(), TimeUnit.NANOSECONDS);
    var _ =
        queue.whenComplete(
            (_, failure) -> {
              if (failure != null) {
                end(watch, failure);
              }
            });
    ticket
        .granted()
        .thenAccept(
            _ -> {
              watch.admitted(ticket.waited());
              start(model, batch, deadline, watch);
            });
    this.first = queue.thenCompose(SinkQueueWithCancel::pull);
  }

  /**
   * Begins when its ticket is granted.
   *
   * @param ticket given back at the end, however it comes
   */
  static Generation begin(
      ServedModel model, Admission.Ticket ticket, Batch batch, GenerationWatch watch) {
    return new Generation(ticket, model, batch, watch);
  }

  private void start(ServedModel model, Batch batch, long deadline, GenerationWatch watch) {
    if (queue.isDone()) {
      ticket.leave();
      return;
    }
    try {
      SinkQueueWithCancel<ChoiceEvent> events =
          events(model, batch, watch)
              .completionTimeout(
                  Duration.ofNanos(Math.max(1_000_000, deadline - System.nanoTime())))
              .watchTermination(
                  (_, ended) -> {
                    ended.whenComplete(
                        (_, failure) -> {
                          end(watch, failure);
                        });
                    return NotUsed.getInstance();
                  })
              .runWith(
                  Sink.<ChoiceEvent>queue().addAttributes(Attributes.inputBuffer(1, 1)),
                  model.backend().system());
      if (!queue.complete(events)) {
        events.cancel();
      }
    } catch (RuntimeException e) {
      // The model's actor system may be ending.
      queue.completeExceptionally(e);
    }
  }

  private void end(GenerationWatch watch, @Nullable Throwable failure) {
    ticket.leave();
    if (ended.compareAndSet(false, true)) {
      watch.ended(failure);
    }
  }

  private Source<ChoiceEvent, NotUsed> events(
      ServedModel model, Batch batch, GenerationWatch watch) {
    List<Source<ChoiceEvent, NotUsed>> sources =
        IntStream.range(0, batch.requests().size())
            .mapToObj(choice -> events(model, batch, choice, watch))
            .toList();
    return sources.size() == 1
        ? sources.getFirst()
        : Source.from(sources).flatMapMerge(sources.size(), source -> source);
  }

  private Source<ChoiceEvent, NotUsed> events(
      ServedModel model, Batch batch, int choice, GenerationWatch watch) {
    TextRequest request = batch.requests().get(choice);
    return TextGeneration.source(
            model.tokenizer(), model.backend().generator(), request.tellingRecoveries())
        .map(
            event -> {
              watch.event(choice, event);
              if (event instanceof TextEvent.Finished finished) {
                ticket.charge(
                    (batch.countsPrompt(choice) ? finished.usage().promptTokens() : 0)
                        + finished.usage().generatedTokens());
              }
              return new ChoiceEvent(choice, event);
            })
        .filter(told -> request.tellRecoveries() || !(told.event() instanceof TextEvent.Recovered));
  }

  /** The first event, when it is there; {@link #next} gives it too. */
  public CompletionStage<Optional<ChoiceEvent>> first() {
    return first;
  }

  /**
   * The next event; empty at the end. Not to be called again before it has completed. Fails as the
   * generation does.
   */
  public CompletionStage<Optional<ChoiceEvent>> next() {
    if (!firstTaken) {
      firstTaken = true;
      return first;
    }
    return queue.thenCompose(SinkQueueWithCancel::pull);
  }

  /** Takes the sequences out of the pipeline, or gives up waiting. */
  public void cancel() {
    if (!queue.cancel(false)) {
      var _ = queue.thenAccept(SinkQueueWithCancel::cancel);
    }
  }

  /** All events, for one consumer; it ends the generation when it has had enough. */
  public Source<ChoiceEvent, NotUsed> source() {
    return Source.unfoldResourceAsync(
        () -> CompletableFuture.completedFuture(this),
        Generation::next,
        generation -> {
          generation.cancel();
          return CompletableFuture.completedFuture(Done.getInstance());
        });
  }
}
