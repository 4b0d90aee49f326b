package dev.sluice.transport.bench;

import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameHandler;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.FrameType;
import dev.sluice.transport.LinkAddress;
import dev.sluice.transport.LinkSecret;
import dev.sluice.transport.PayloadType;
import dev.sluice.transport.Transport;
import dev.sluice.transport.TransportConfig;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Locale;
import java.util.Objects;
import java.util.StringJoiner;
import java.util.concurrent.TimeUnit;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.util.Statistics;

/**
 * Round trips of a frame to another thread, which sends it back, and one-way throughput of frames
 * to another thread, with the default configuration: over IPC, over UDP, and over UDP sealed. A
 * round trip has two links, and the frame is checked, copied and summed on each, and encrypted and
 * decrypted where it is sealed. The last line of the output is JSON: microseconds, and megabytes a
 * second. From the project's root:
 *
 * <pre>./mvnw -q -pl transport test-compile exec:exec@benchmark</pre>
 *
 * <p>With {@code -Dbenchmark.args="-p channel=ipc -p bytes=8192"}, or any of JMH's options, for
 * less than all.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class LinkBenchmark {
  @Param({"ipc", "udp", "sealed"})
  public String channel = "ipc";

  @Param({"8192", "524288", "8388608"})
  public int bytes;

  private final Frame frame = new Frame();
  private final IdleStrategy idle = idle();
  private final FrameHandler onReturn = this::onReturn;
  private @Nullable Ends ends;
  private DirectBuffer payload = new UnsafeBuffer(0, 0);
  private long number;
  private long returned;

  /** What is open between setting up and tearing down, and the thread at the other end. */
  private static final class Ends {
    final Transport transport;
    final FrameReceiver there;
    final FrameSender out;
    final FrameReceiver back;
    final FrameSender reply;
    final Thread echo;
    volatile boolean running = true;

    Ends(String channel) {
      TransportConfig.Builder config = TransportConfig.builder();
      if (channel.equals("sealed")) {
        config.sealing(LinkSecret.of(new byte[LinkSecret.MIN_BYTES]));
      }
      transport = Transport.launch(config.build());
      there = receiver(channel, 1);
      out = transport.sender(there.address());
      back = receiver(channel, 2);
      reply = transport.sender(back.address());
      echo = Thread.ofPlatform().daemon().name("echo").start(this::echo);
      IdleStrategy idle = idle();
      while (!out.isConnected() || !reply.isConnected()) {
        idle.idle();
      }
    }

    private FrameReceiver receiver(String channel, int stream) {
      return transport.receiver(
          channel.equals("ipc")
              ? LinkAddress.ipc(stream)
              : LinkAddress.udp("127.0.0.1", 0, stream));
    }

    /** OPEN goes back whole, STEP not at all, CLOSE without its payload. */
    private void echo() {
      IdleStrategy idle = idle();
      Frame answer = new Frame();
      FrameHandler handler =
          frame -> {
            if (frame.type() == FrameType.STEP) {
              return true;
            }
            answer.reset(frame.type(), frame.epoch(), frame.microBatch());
            if (frame.type() == FrameType.OPEN) {
              answer.payload(
                  frame.payloadType(),
                  frame.width(),
                  frame.payloadBuffer(),
                  frame.payloadOffset(),
                  frame.payloadLength());
            }
            while (running && reply.offer(answer) <= 0) {
              idle.idle();
            }
            idle.reset();
            return true;
          };
      while (running) {
        idle.idle(there.poll(handler, 10));
      }
    }

    void close() throws InterruptedException {
      running = false;
      echo.join();
      transport.close();
    }
  }

  private static IdleStrategy idle() {
    return new BackoffIdleStrategy(100, 10, 1_000, 50_000);
  }

  @Setup
  public void open() {
    payload = new UnsafeBuffer(ByteBuffer.allocateDirect(bytes));
    ends = new Ends(channel);
  }

  @TearDown
  public void close() throws InterruptedException {
    opened().close();
  }

  /** There and back. */
  @Benchmark
  @BenchmarkMode(Mode.SampleTime)
  public void roundTrip() {
    send(FrameType.OPEN);
    awaitReturn();
  }

  /** At least 16 MiB one way, until the last of it is confirmed. */
  @Benchmark
  @BenchmarkMode(Mode.AverageTime)
  public void stream() {
    for (int i = 0; i < framesInStream(bytes) - 1; i++) {
      send(FrameType.STEP);
    }
    send(FrameType.CLOSE);
    awaitReturn();
  }

  private static int framesInStream(int bytes) {
    return (16 << 20) / bytes;
  }

  private Ends opened() {
    return Objects.requireNonNull(ends);
  }

  private boolean onReturn(Frame back) {
    returned = back.microBatch();
    return true;
  }

  private void send(FrameType type) {
    frame
        .reset(type, 0, ++number)
        .addEntry(0, 0, 1, 0)
        .payload(PayloadType.F32, 2_048, payload, 0, bytes);
    FrameSender out = opened().out;
    while (out.offer(frame) <= 0) {
      idle.idle();
    }
    idle.reset();
  }

  private void awaitReturn() {
    FrameReceiver back = opened().back;
    while (returned != number) {
      idle.idle(back.poll(onReturn, 1));
    }
  }

  /** Runs what the options of JMH's command line say, and ends with a line of JSON. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .parent(new CommandLineOptions(args))
                    .include(LinkBenchmark.class.getSimpleName())
                    .build())
            .run();
    StringJoiner json = new StringJoiner(",", "{\"benchmark\":\"links\",\"results\":[", "]}");
    for (RunResult result : results) {
      String where =
          "{\"channel\":\"%s\",\"bytes\":%s,"
              .formatted(
                  result.getParams().getParam("channel"), result.getParams().getParam("bytes"));
      Statistics times = result.getPrimaryResult().getStatistics();
      if (result.getParams().getMode() == Mode.SampleTime) {
        json.add(
            String.format(
                Locale.ROOT,
                "%s\"round_trip_us\":{\"p50\":%.1f,\"p99\":%.1f,\"p99.9\":%.1f}}",
                where,
                times.getPercentile(50),
                times.getPercentile(99),
                times.getPercentile(99.9)));
      } else {
        int bytes = Integer.parseInt(result.getParams().getParam("bytes"));
        double megabytes = (double) framesInStream(bytes) * bytes / 1e6;
        json.add(
            String.format(
                Locale.ROOT, "%s\"mb_per_s\":%.0f}", where, megabytes / times.getMean() * 1e6));
      }
    }
    System.out.println(json);
  }
}
