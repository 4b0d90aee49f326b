package dev.sluice.actors.gateway;

import akka.actor.typed.ActorRef;
import dev.sluice.actors.SchedulerActor;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Where the head of the pipeline is, as far as this gateway has heard, and which generation each of
 * its replies is for. Outlives the memberships of its process in a cluster. One writer publishes;
 * any thread may subscribe.
 */
public final class HeadDirectory {
  /** Where the head is. */
  public sealed interface Head {}

  /**
   * There. The same one may be published again; nothing is lost by that.
   *
   * @param replies where it answers to: the present address of this directory
   */
  public record At(
      ActorRef<SchedulerActor.Command> scheduler, ActorRef<SchedulerActor.Reply> replies)
      implements Head {}

  /** Nowhere yet, or not any more; one is being made. Requests wait. */
  public record Missing(String reason) implements Head {}

  /**
   * Nowhere, and none can be made of the nodes at hand. New requests fail, those that have begun
   * wait.
   *
   * @param retryAfter when it is worth while to try again
   */
  public record Unavailable(String reason, Duration retryAfter) implements Head {}

  /** Nowhere, for good: every request fails. */
  public record Closed(String reason) implements Head {}

  private final Map<Long, Consumer<SchedulerActor.Reply>> consumers = new ConcurrentHashMap<>();
  private final Set<Consumer<Head>> subscribers = new LinkedHashSet<>();
  private Head head;

  /** A directory that does not know where the head is. */
  public HeadDirectory(String reason) {
    head = new Missing(reason);
  }

  /** Tells all subscribers, on this thread. What was closed stays closed. */
  public synchronized void publish(Head now) {
    if (!(head instanceof Closed)) {
      head = now;
      subscribers.forEach(s -> s.accept(now));
    }
  }

  /**
   * Tells a subscriber where the head is, and from then on each change, in order.
   *
   * @param subscriber must only hand it on: it is called while others wait
   */
  public synchronized void subscribe(Consumer<Head> subscriber) {
    subscribers.add(subscriber);
    subscriber.accept(head);
  }

  /** Ends a subscription. */
  public synchronized void unsubscribe(Consumer<Head> subscriber) {
    subscribers.remove(subscriber);
  }

  /**
   * Brings a generation its replies from now on.
   *
   * @param sequence its {@link dev.sluice.actors.scheduling.GenerationId#sequence}
   * @param consumer must only hand them on
   */
  void listen(long sequence, Consumer<SchedulerActor.Reply> consumer) {
    consumers.put(sequence, consumer);
  }

  /** The generation has ended. */
  void forget(long sequence) {
    consumers.remove(sequence);
  }

  /** Hands a reply to its generation; one that has ended needs none. */
  public void reply(SchedulerActor.Reply reply) {
    Consumer<SchedulerActor.Reply> consumer = consumers.get(reply.id().sequence());
    if (consumer != null) {
      consumer.accept(reply);
    }
  }

  /** Where the head is now. */
  public synchronized Head head() {
    return head;
  }
}
