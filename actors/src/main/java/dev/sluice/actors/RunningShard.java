package dev.sluice.actors;

import akka.Done;
import akka.actor.typed.ActorSystem;
import dev.sluice.actors.kept.KvReplica;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.stages.link.SamplerInput;
import dev.sluice.stages.link.SamplingLimits;
import dev.sluice.stages.link.SamplingLink;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.agrona.concurrent.AgentRunner;
import org.jspecify.annotations.Nullable;

/**
 * A shard at work in one epoch: its links, its buffers, its thread and, on the last stage, its
 * sampling stream. The shard itself is not closed with it. For one thread.
 */
final class RunningShard implements AutoCloseable {
  private static final int SAMPLER_BUFFERS = 2;
  private static final long STREAM_END_SECONDS = 5;

  /** Told when the sampling stream has ended, also by {@link #close}. */
  interface SamplingEnd {
    void onEnd(@Nullable Throwable failure);
  }

  private final Arena arena = Arena.ofShared();
  private final FrameReceiver receiver;
  private @Nullable FrameSender sender;
  private @Nullable SamplerInput sampler;
  private @Nullable CompletionStage<Done> sampling;
  private @Nullable RunningReplica replica;
  private @Nullable AgentRunner runner;

  private RunningShard(FrameReceiver receiver) {
    this.receiver = receiver;
  }

  /**
   * Opens the links and starts the thread.
   *
   * @param copy what this stage keeps of the one before it; null for nothing
   * @param restores whether the shard is new and wants back what the stage behind it keeps
   * @param system runs the sampling stream of the last stage
   * @param onSamplingEnd told when that stream has ended, with its failure if it had one
   */
  static RunningShard start(
      ShardAssignment assignment,
      ShardResources resources,
      StageSlots slots,
      @Nullable KvReplica copy,
      boolean restores,
      ActorSystem<?> system,
      ShardRunner.Listener listener,
      SamplingEnd onSamplingEnd) {
    RunningShard running = new RunningShard(resources.transport().receiver(assignment.inbound()));
    try {
      ReplicaFeed feed = running.feed(assignment, resources, slots, copy, restores);
      running.open(assignment, resources, slots, feed, system, listener, onSamplingEnd);
      return running;
    } catch (RuntimeException | Error e) {
      running.close();
      throw e;
    }
  }

  private @Nullable ReplicaFeed feed(
      ShardAssignment assignment,
      ShardResources resources,
      StageSlots slots,
      @Nullable KvReplica copy,
      boolean restores) {
    ReplicaLinks links = assignment.replica();
    if (links == null || copy == null) {
      return null;
    }
    RunningReplica opened = new RunningReplica(resources.transport());
    replica = opened;
    return opened.start(assignment, links, slots, copy, restores, resources.monitor().name());
  }

  private void open(
      ShardAssignment assignment,
      ShardResources resources,
      StageSlots slots,
      @Nullable ReplicaFeed feed,
      ActorSystem<?> system,
      ShardRunner.Listener listener,
      SamplingEnd onSamplingEnd) {
    ModelShape shape = resources.shape();
    ShardOptions options = assignment.options();
    receiver.minimumEpoch(assignment.epoch());
    FrameSender outbound = resources.transport().sender(assignment.outbound());
    sender = outbound;
    StageOutput output;
    if (assignment.last()) {
      SamplerInput input =
          new SamplerInput(
              SAMPLER_BUFFERS,
              options.maxSequences(),
              options.maxLogitRows(),
              shape.vocabularySize(),
              2 * options.maxSequences());
      sampler = input;
      SamplingLimits limits =
          new SamplingLimits(
              assignment.stage(),
              shape.vocabularySize(),
              options.maxSequences(),
              shape.contextTokens());
      CompletionStage<Done> ended =
          SamplingLink.graph(
                  input,
                  limits,
                  () -> resources.loader().vocabulary(assignment.model()),
                  outbound,
                  resources.sendLimit())
              .run(system);
      sampling = ended;
      var _ = ended.whenComplete((_, failure) -> onSamplingEnd.onEnd(failure));
      output = new SamplerOutput(input, options.maxSequences());
    } else {
      output =
          new LinkOutput(
              outbound,
              options.maxSequences(),
              rows(options.maxRows(), shape.embeddingLength()),
              shape.embeddingLength());
    }
    boolean first = assignment.stage() == 0;
    ShardRunner agent =
        new ShardRunner(
            assignment.stage(),
            assignment.epoch(),
            shape.embeddingLength(),
            slots,
            feed,
            receiver,
            output,
            rows(options.maxRows(), first ? 1 : shape.embeddingLength()),
            new ShardRunner.Limits(
                options.maxSequences(), options.maxRows(), options.maxLogitRows()),
            resources.monitor(),
            listener);
    runner = Threads.start(agent);
  }

  private MemorySegment rows(int rows, int width) {
    return arena.allocate((long) rows * width * Float.BYTES, 64);
  }

  /**
   * Ends the thread after the micro-batch it is at, then the stream, then the links.
   *
   * @throws IllegalStateException when the thread or the stream does not end in time: their memory
   *     is then left alone
   */
  @Override
  public void close() {
    if (runner != null) {
      Threads.close(runner);
    }
    if (replica != null) {
      replica.close();
    }
    receiver.close();
    SamplerInput input = sampler;
    if (input != null) {
      input.complete();
      awaitSampling();
      input.close();
    }
    if (sender != null) {
      sender.close();
    }
    arena.close();
  }

  private void awaitSampling() {
    CompletionStage<Done> ended = sampling;
    if (ended == null) {
      return;
    }
    // A frame of the last epoch must not wait for a head that has gone.
    if (sender != null) {
      sender.close();
    }
    try {
      ended.toCompletableFuture().get(STREAM_END_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      // It has ended, that is all that counts here; its failure was reported.
    } catch (TimeoutException e) {
      throw new IllegalStateException("the sampling stream does not end", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the sampling stream ends", e);
    }
  }
}
