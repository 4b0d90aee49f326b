package dev.sluice.transport;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Which epochs a receiver still takes, and what it counts. Written by the thread that polls, but
 * for {@link #raise}, which is for any.
 */
final class EpochLedger {
  final LinkCounters counters = new LinkCounters();

  /** Frames of epochs below are dropped. */
  private final AtomicInteger floor = new AtomicInteger();

  private final LinkAddress address;
  private final LimitedLog log;
  private volatile int failedEpoch = -1;
  private @Nullable String broken;

  EpochLedger(LinkAddress address, LimitedLog log) {
    this.address = address;
    this.log = log;
  }

  void raise(int epoch) {
    if (epoch > floor.get()) {
      floor.accumulateAndGet(epoch, Math::max);
    }
  }

  boolean isStale(int epoch) {
    return epoch < floor.get() || epoch <= failedEpoch;
  }

  int failedEpoch() {
    return failedEpoch;
  }

  void stale() {
    LinkCounters.add(counters.stale, 1);
  }

  void malformed(String reason) {
    LinkCounters.add(counters.malformed, 1);
    warn("refused a malformed message: ", reason);
  }

  void gap(String reason) {
    LinkCounters.add(counters.gaps, 1);
    warn("lost something: ", reason);
  }

  void crc(String reason) {
    LinkCounters.add(counters.crc, 1);
    warn("damaged: ", reason);
  }

  void forged(String reason) {
    LinkCounters.add(counters.forged, 1);
    warn("refused a message that is not sealed for this link: ", reason);
  }

  void replayed(String reason) {
    LinkCounters.add(counters.replayed, 1);
    warn("refused a message that is sealed, but not new: ", reason);
  }

  private void warn(String what, String reason) {
    if (log.mayWarn()) {
      log.warn("link " + address + ": " + what + reason);
    }
  }

  /** An epoch cannot be trusted further; the first time, {@link #takeBroken()} has the reason. */
  void fail(int epoch, String reason) {
    if (!isStale(epoch)) {
      failedEpoch = epoch;
      broken = reason;
    }
  }

  /** The reason why {@link #failedEpoch()} failed, once. */
  @Nullable String takeBroken() {
    String reason = broken;
    broken = null;
    return reason;
  }
}
