package dev.sluice.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A frame makes no garbage, neither where it is sent nor where it is received. */
@Timeout(90)
class AllocationTest {
  private static final int MOST_TRIES = 100;

  /** Bytes for a message sealed and opened. */
  private static final long SEALED_GARBAGE = 3_000;

  @ParameterizedTest(name = "{0}, {1} bytes")
  @CsvSource({
    "aeron:ipc, 0, 2000",
    "aeron:ipc, 8192, 1000",
    "aeron:ipc, 100000, 100",
    "aeron:ipc, 3000000, 10",
    "aeron:udp?endpoint=127.0.0.1:0, 1000, 500",
    "aeron:udp?endpoint=127.0.0.1:0, 100000, 50",
    "aeron:udp?endpoint=127.0.0.1:0, 3000000, 4"
  })
  void shouldAllocateNothingPerFrame(String channel, int bytes, int rounds) {
    try (Transport transport = Transport.launch(TransportConfig.defaults());
        FrameReceiver receiver = transport.receiver(new LinkAddress(channel, 1));
        FrameSender sender = transport.sender(receiver.address())) {
      Links.awaitConnected(sender, receiver);
      Exchange exchange = new Exchange(sender, receiver, bytes);
      exchange.run(rounds);
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long self = Thread.currentThread().threadId();
      long empty = allocated(threads, self, () -> {});
      long least = Long.MAX_VALUE;
      // The compiler may still be at it: the steady state is what comes again.
      for (int i = 0; i < MOST_TRIES && least > 0; i++) {
        least = Math.min(least, allocated(threads, self, () -> exchange.run(rounds)) - empty);
      }
      assertThat(least).isLessThanOrEqualTo(0);
      assertThat(exchange.taken).isGreaterThanOrEqualTo(2L * rounds);
    }
  }

  /**
   * On a sealed link the JDK's ciphers make some garbage for each message: their state, not copies
   * of what is sent.
   */
  @ParameterizedTest(name = "{0} bytes")
  @CsvSource({"8192, 500", "100000, 50"})
  void shouldAllocateLittlePerSealedFrame(int bytes, int rounds) {
    TransportConfig config =
        TransportConfig.builder().sealing(LinkSecret.of(new byte[LinkSecret.MIN_BYTES])).build();
    try (Transport transport = Transport.launch(config);
        FrameReceiver receiver = transport.receiver(LinkAddress.udp("127.0.0.1", 0, 1));
        FrameSender sender = transport.sender(receiver.address())) {
      Links.awaitConnected(sender, receiver);
      Exchange exchange = new Exchange(sender, receiver, bytes);
      exchange.run(rounds);
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long self = Thread.currentThread().threadId();
      long least = Long.MAX_VALUE;
      for (int i = 0; i < MOST_TRIES && least > SEALED_GARBAGE * rounds; i++) {
        least = Math.min(least, allocated(threads, self, () -> exchange.run(rounds)));
      }
      assertThat(least).isLessThanOrEqualTo(SEALED_GARBAGE * rounds);
    }
  }

  private static long allocated(ThreadMXBean threads, long thread, Runnable work) {
    long before = threads.getThreadAllocatedBytes(thread);
    work.run();
    return threads.getThreadAllocatedBytes(thread) - before;
  }

  /** Sends and receives by turns, on one thread: what either end allocates is this thread's. */
  private static final class Exchange implements FrameHandler {
    private final FrameSender sender;
    private final FrameReceiver receiver;
    private final Frame frame = new Frame();
    private final DirectBuffer payload;
    private long number;
    private long taken;

    Exchange(FrameSender sender, FrameReceiver receiver, int bytes) {
      this.sender = sender;
      this.receiver = receiver;
      payload = new UnsafeBuffer(ByteBuffer.allocateDirect(bytes));
    }

    @Override
    public boolean onFrame(Frame received) {
      taken++;
      return received.payloadLength() + received.slot(0) > 0;
    }

    void run(int rounds) {
      for (int i = 0; i < rounds; i++) {
        long due = taken + 1;
        frame
            .reset(FrameType.STEP, 0, number++)
            .addEntry(1, i, 1, 0)
            .addEntry(2, i, 1, 0)
            .payload(PayloadType.BYTES, 1, payload, 0, payload.capacity());
        while (sender.offer(frame) <= 0) {
          receiver.poll(this, 1);
          Links.idle();
        }
        while (taken < due) {
          if (receiver.poll(this, 1) == 0) {
            Links.idle();
          }
        }
      }
    }
  }
}
