package dev.sluice.transport;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link Transport} is set up. Immutable; {@link #builder()} begins with what suits a laptop
 * that runs a whole pipeline.
 *
 * <p>Memory, all of it shared memory in the Aeron directory: a link over IPC has one log of three
 * terms, a link over UDP one such log at each end. A pipeline of three stages in one process has
 * four links (head to 0, 0 to 1, 1 to 2, 2 to head), with terms of 4 MiB: 4 x 3 x 4 = 48 MiB over
 * IPC, twice that over UDP, and 3 MiB of the driver's own. The files are sparse: what no frame
 * reached takes no memory.
 */
public final class TransportConfig {
  /** How the driver's thread waits when there is nothing to do. */
  public enum Idle {
    /** Spin a little, then sleep up to 1 ms: for machines whose cores have other work. */
    BACKOFF,
    /** Spin: the lowest latency, and a core for the driver alone. */
    SPIN
  }

  /** The largest payload that any configuration allows. */
  public static final int MAX_PAYLOAD_BYTES = 1 << 29;

  static final int MIN_TERM_LENGTH = 1 << 20;
  static final int MAX_TERM_LENGTH = 1 << 30;

  private final @Nullable Path aeronDirectory;
  private final boolean embeddedDriver;
  private final int maxPayloadBytes;
  private final int termBufferLength;
  private final int udpMtu;
  private final int ipcMtu;
  private final Idle idle;
  private final boolean allowRemote;
  private final Duration livenessTimeout;
  private final @Nullable LinkSecret sealing;

  private TransportConfig(Builder b) {
    aeronDirectory = b.aeronDirectory;
    embeddedDriver = b.embeddedDriver;
    maxPayloadBytes = b.maxPayloadBytes;
    termBufferLength = b.termBufferLength;
    udpMtu = b.udpMtu;
    ipcMtu = b.ipcMtu;
    idle = b.idle;
    allowRemote = b.allowRemote;
    livenessTimeout = b.livenessTimeout;
    sealing = b.sealing;
    if (maxPayloadBytes < 0 || maxPayloadBytes > MAX_PAYLOAD_BYTES) {
      throw new IllegalArgumentException(
          "maxPayloadBytes: 0 to %,d, not %,d".formatted(MAX_PAYLOAD_BYTES, maxPayloadBytes));
    }
    // The head of a frame with all entries (64 KiB and a little) goes in one message, an eighth of
    // a
    // term.
    if (termBufferLength < MIN_TERM_LENGTH
        || termBufferLength > MAX_TERM_LENGTH
        || Integer.bitCount(termBufferLength) != 1) {
      throw new IllegalArgumentException(
          "termBufferLength: a power of two from %,d to %,d, not %,d"
              .formatted(MIN_TERM_LENGTH, MAX_TERM_LENGTH, termBufferLength));
    }
    checkMtu("udpMtu", udpMtu);
    checkMtu("ipcMtu", ipcMtu);
    if (livenessTimeout.compareTo(Duration.ofMillis(500)) < 0
        || livenessTimeout.compareTo(Duration.ofMinutes(10)) > 0) {
      throw new IllegalArgumentException(
          "livenessTimeout: half a second to ten minutes, not " + livenessTimeout);
    }
    if (!embeddedDriver && aeronDirectory == null) {
      throw new IllegalArgumentException(
          "an external media driver is found by its directory: set aeronDirectory");
    }
  }

  private static void checkMtu(String name, int mtu) {
    if (mtu < 1_024 || mtu > 65_504 || mtu % 32 != 0) {
      throw new IllegalArgumentException(
          "%s: a multiple of 32 from 1024 to 65504, not %d".formatted(name, mtu));
    }
  }

  public static Builder builder() {
    return new Builder();
  }

  /** What {@link #builder()} begins with. */
  public static TransportConfig defaults() {
    return builder().build();
  }

  /** Where the driver keeps its files; null for a fresh private folder, removed on close. */
  public @Nullable Path aeronDirectory() {
    return aeronDirectory;
  }

  /** Whether the driver runs in this process. */
  public boolean embeddedDriver() {
    return embeddedDriver;
  }

  /** The largest payload that is sent or taken. */
  public int maxPayloadBytes() {
    return maxPayloadBytes;
  }

  public int termBufferLength() {
    return termBufferLength;
  }

  public int udpMtu() {
    return udpMtu;
  }

  public int ipcMtu() {
    return ipcMtu;
  }

  public Idle idle() {
    return idle;
  }

  /** Whether addresses other than this machine's loopback are allowed: by demand, or if sealed. */
  public boolean allowRemote() {
    return allowRemote || sealing != null;
  }

  /** What links over UDP are sealed with; null if they are not. */
  @Nullable LinkSecret sealing() {
    return sealing;
  }

  /** How long the other end of a link, or the driver, may be silent before it counts as gone. */
  public Duration livenessTimeout() {
    return livenessTimeout;
  }

  /** Gathers the settings; {@link #build()} checks them. */
  public static final class Builder {
    private @Nullable Path aeronDirectory;
    private boolean embeddedDriver = true;
    private int maxPayloadBytes = 64 << 20;
    private int termBufferLength = 4 << 20;
    private int udpMtu = 1_408;
    private int ipcMtu = 65_504;
    private Idle idle = Idle.BACKOFF;
    private boolean allowRemote;
    private Duration livenessTimeout = Duration.ofSeconds(10);
    private @Nullable LinkSecret sealing;

    private Builder() {}

    /**
     * A folder for an embedded driver (which must be absent, or that of a driver that is gone;
     * removed on close) or the folder of an external one. Default: a fresh private one, in shared
     * memory where there is room.
     */
    public Builder aeronDirectory(Path directory) {
      aeronDirectory = Objects.requireNonNull(directory);
      return this;
    }

    /** Default true; false: a driver runs already in {@link #aeronDirectory(Path)}. */
    public Builder embeddedDriver(boolean embedded) {
      embeddedDriver = embedded;
      return this;
    }

    /** Default 64 MiB. A receiver keeps up to this much for a frame that comes in parts. */
    public Builder maxPayloadBytes(int bytes) {
      maxPayloadBytes = bytes;
      return this;
    }

    /**
     * Default 4 MiB; a power of two. An eighth of it is the largest message, half of it is in
     * flight.
     */
    public Builder termBufferLength(int bytes) {
      termBufferLength = bytes;
      return this;
    }

    /** Default 1,408 bytes, which fits Ethernet and most clouds; loopback takes up to 65,504. */
    public Builder udpMtu(int bytes) {
      udpMtu = bytes;
      return this;
    }

    /** Default 65,504 bytes, the most. */
    public Builder ipcMtu(int bytes) {
      ipcMtu = bytes;
      return this;
    }

    public Builder idle(Idle strategy) {
      idle = Objects.requireNonNull(strategy);
      return this;
    }

    /** Default false. Without {@link #sealing}, frames are neither encrypted nor authenticated. */
    public Builder allowRemote(boolean allow) {
      allowRemote = allow;
      return this;
    }

    /**
     * Seals every link over UDP: frames are encrypted and authenticated under keys derived from
     * this secret, which all ends must have. Links over IPC stay as they are: their two ends are
     * one user's on one machine, who could read the keys as well. Default: not sealed.
     */
    public Builder sealing(LinkSecret secret) {
      sealing = Objects.requireNonNull(secret);
      return this;
    }

    /** Default 10 s. */
    public Builder livenessTimeout(Duration timeout) {
      livenessTimeout = Objects.requireNonNull(timeout);
      return this;
    }

    /**
     * Checks the settings and fixes them.
     *
     * @throws IllegalArgumentException if a value is out of its range, or some do not go together
     */
    public TransportConfig build() {
      return new TransportConfig(this);
    }
  }
}
