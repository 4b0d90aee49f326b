package dev.sluice.transport;

import java.util.ArrayList;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;

/**
 * The senders of a sealed link that have shown that they have the secret, as long as its receiver
 * lives: who was forgotten could be replayed. For one thread.
 */
final class SealedSenders {
  /** Over a receiver's life. One is usual; more come when a sender is replaced. */
  static final int LIMIT = 64;

  private final ArrayList<Sender> known = new ArrayList<>();

  /** One sender. */
  static final class Sender {
    final long high;
    final long low;

    /** Through which its messages come now; null when its image is gone. */
    @Nullable SealedInbound inbound;

    /** Of its newest message. */
    long number = -1;

    int epoch = -1;
    @Nullable SecretKey key;

    Sender(long high, long low) {
      this.high = high;
      this.low = low;
    }
  }

  @Nullable Sender find(long high, long low) {
    for (int i = 0; i < known.size(); i++) {
      Sender sender = known.get(i);
      if (sender.high == high && sender.low == low) {
        return sender;
      }
    }
    return null;
  }

  boolean isFull() {
    return known.size() == LIMIT;
  }

  void add(Sender sender) {
    known.add(sender);
  }
}
