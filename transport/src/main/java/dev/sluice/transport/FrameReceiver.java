package dev.sluice.transport;

import static io.aeron.logbuffer.FrameDescriptor.BEGIN_FRAG_FLAG;
import static io.aeron.logbuffer.FrameDescriptor.END_FRAG_FLAG;

import io.aeron.Image;
import io.aeron.Subscription;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import io.aeron.protocol.DataHeaderFlyweight;
import java.util.ArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The receiving end of a link. {@link #poll} is for one thread; all else is for any. Who opened it
 * closes it; closing its {@link Transport} closes it too.
 *
 * <p>A frame counts from 0 within its sender and epoch, so a receiver that comes in the middle of
 * an epoch finds a gap, and the epoch broken, like one that lost something.
 */
public final class FrameReceiver implements AutoCloseable {
  /** A link has one sender, for a moment two when it is replaced. */
  private static final int MAX_SENDERS = 16;

  private static final int FRAGMENTS = 256;

  /** So often at least, in bytes, the sender learns that there is room again. */
  private static final int COMMIT_BYTES = 64 << 10;

  private static final long REJECT_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final Logger LOG = LoggerFactory.getLogger(FrameReceiver.class);

  private final LinkAddress address;
  private final Subscription subscription;
  private final int maxPayload;
  private final @Nullable LinkSecret secret;
  private final SealedSenders senders = new SealedSenders();
  private final EpochLedger ledger;
  private final LinkGate gate;
  private final ControlledFragmentHandler onFragment = this::onFragment;
  private final ArrayList<Source> sources = new ArrayList<>();

  // Of the poll in progress.
  private @Nullable FrameHandler handler;
  private @Nullable Throwable thrown;
  private int limit;
  private int taken;
  private boolean stopped;
  private long budget;
  private long uncommitted;

  /** When a stranger may be turned away again, which the driver takes some time for. */
  private long nextRejectNanos = System.nanoTime();

  /** What comes through one image of Aeron's; with a second part where the link is sealed. */
  private record Source(Image image, Inbound inbound, @Nullable SealedInbound sealed) {
    boolean onFragment(DirectBuffer buffer, int offset, int length, boolean begin, boolean end) {
      return sealed == null
          ? inbound.onFragment(buffer, offset, length, begin, end)
          : sealed.onFragment(buffer, offset, length, begin, end);
    }

    void onGone() {
      if (sealed == null) {
        inbound.onGone();
      } else {
        sealed.onGone();
      }
      inbound.close();
    }
  }

  /**
   * @param secret null for a link that is not sealed
   * @param onClosed is told when nothing of this end is left
   */
  FrameReceiver(
      LinkAddress address,
      Subscription subscription,
      int maxPayload,
      @Nullable LinkSecret secret,
      Consumer<AutoCloseable> onClosed) {
    this.address = address;
    this.subscription = subscription;
    this.maxPayload = maxPayload;
    this.secret = secret;
    ledger = new EpochLedger(address, new LimitedLog(LOG));
    gate = new LinkGate(() -> release(onClosed));
  }

  /**
   * Hands what has arrived to the handler: whole frames only, each sender's in the order it sent
   * them.
   *
   * @param limit at most so many frames
   * @return how many frames the handler took; 0 when nothing more is there, or it is closed
   * @throws IllegalStateException if a poll is in progress
   */
  public int poll(FrameHandler handler, int limit) {
    if (limit <= 0 || !gate.enter()) {
      return 0;
    }
    this.handler = handler;
    this.limit = limit;
    taken = 0;
    stopped = false;
    uncommitted = 0;
    // However much is dropped: no longer than the longest frame takes.
    budget = maxPayload + 2L * FrameLayout.MAX_START_HEADER;
    try {
      dropGone();
      int idle = 0;
      // The end of a term is a turn without a fragment.
      while (!stopped && budget > 0 && idle < 2) {
        idle = subscription.controlledPoll(onFragment, FRAGMENTS) == 0 ? idle + 1 : 0;
      }
      rethrow();
      return taken;
    } finally {
      this.handler = null;
      thrown = null;
      gate.exit();
    }
  }

  /** Drops frames of epochs before this one from now on. Never goes back. */
  public void minimumEpoch(int epoch) {
    ledger.raise(epoch);
  }

  /** The newest epoch that broke, or -1. */
  public int failedEpoch() {
    return ledger.failedEpoch();
  }

  /** Whether a sender is there. */
  public boolean isConnected() {
    return gate.isOpen() && subscription.isConnected();
  }

  /** Where it listens: as asked for, with the port that was chosen where 0 was asked for. */
  public LinkAddress address() {
    return address;
  }

  public LinkCounters counters() {
    return ledger.counters;
  }

  /** Closes this end; a poll in progress on another thread finishes first. */
  @Override
  public void close() {
    gate.close();
  }

  @Override
  public String toString() {
    return "receiver " + address + " " + ledger.counters;
  }

  LinkGate gate() {
    return gate;
  }

  private void release(Consumer<AutoCloseable> onClosed) {
    sources.forEach(source -> source.inbound().close());
    sources.clear();
    subscription.close();
    onClosed.accept(this);
  }

  private Action onFragment(DirectBuffer buffer, int offset, int length, Header header) {
    if (stopped || budget <= 0) {
      return Action.ABORT;
    }
    Source source = source((Image) header.context());
    Action action = Action.CONTINUE;
    if (source != null) {
      int flags = Byte.toUnsignedInt(header.flags());
      boolean begin = (flags & Byte.toUnsignedInt(BEGIN_FRAG_FLAG)) != 0;
      boolean end = (flags & Byte.toUnsignedInt(END_FRAG_FLAG)) != 0;
      if (source.onFragment(buffer, offset, length, begin, end)) {
        action = deliver(source.inbound());
      }
      tellBroken();
      rejectStranger(source);
    }
    if (action == Action.ABORT) {
      return action;
    }
    // A fragment costs its header too: empty ones are not for nothing.
    budget -= length + DataHeaderFlyweight.HEADER_LENGTH;
    uncommitted += length;
    if (action == Action.CONTINUE && uncommitted >= COMMIT_BYTES) {
      action = Action.COMMIT;
    }
    if (action == Action.COMMIT) {
      uncommitted = 0;
    }
    return action;
  }

  private Action deliver(Inbound inbound) {
    Frame frame = inbound.frame();
    if (ledger.isStale(frame.epoch())) {
      inbound.taken();
      ledger.stale();
      return Action.CONTINUE;
    }
    boolean accepted = true;
    long payload = frame.payloadLength();
    inbound.attach();
    try {
      payload = frame.payloadLength();
      FrameHandler to = handler;
      accepted = to == null || to.onFrame(frame);
    } catch (RuntimeException | Error e) {
      keep(e);
    } finally {
      frame.detach();
    }
    if (!gate.isOpen()) {
      stopped = true;
    }
    if (!accepted) {
      stopped = true;
      LinkCounters.add(ledger.counters.refused, 1);
      return Action.ABORT;
    }
    inbound.taken();
    LinkCounters.add(ledger.counters.frames, 1);
    LinkCounters.add(ledger.counters.bytes, payload);
    stopped |= ++taken == limit || thrown != null;
    return Action.COMMIT;
  }

  private void tellBroken() {
    String reason = ledger.takeBroken();
    FrameHandler to = handler;
    if (reason != null && to != null) {
      try {
        to.onBroken(ledger.failedEpoch(), reason);
      } catch (RuntimeException | Error e) {
        keep(e);
      }
    }
  }

  /** What a handler throws must not end in Aeron's own error handler. */
  private void keep(Throwable e) {
    stopped = true;
    if (thrown == null) {
      thrown = e;
    } else {
      thrown.addSuppressed(e);
    }
  }

  private void rethrow() {
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
  }

  private @Nullable Source source(Image image) {
    for (int i = 0; i < sources.size(); i++) {
      Source source = sources.get(i);
      if (source.image() == image) {
        return source;
      }
    }
    if (sources.size() == MAX_SENDERS) {
      ledger.malformed("a sender more than the " + MAX_SENDERS + " that a link may have");
      return null;
    }
    Inbound inbound = new Inbound(ledger, maxPayload);
    SealedInbound sealed =
        secret == null ? null : new SealedInbound(secret, address, senders, inbound, ledger);
    Source source = new Source(image, inbound, sealed);
    sources.add(source);
    return source;
  }

  private void rejectStranger(Source source) {
    SealedInbound sealed = source.sealed();
    if (sealed == null || !sealed.isForeign() || System.nanoTime() - nextRejectNanos < 0) {
      return;
    }
    nextRejectNanos = System.nanoTime() + REJECT_INTERVAL_NANOS;
    try {
      source.image().reject("not sealed for this link");
    } catch (RuntimeException e) {
      LOG.debug("{}: a stranger could not be turned away", address, e);
    }
  }

  private void dropGone() {
    for (int i = sources.size() - 1; i >= 0; i--) {
      if (sources.get(i).image().isClosed()) {
        sources.remove(i).onGone();
        tellBroken();
      }
    }
  }
}
