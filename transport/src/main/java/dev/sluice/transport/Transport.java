package dev.sluice.transport;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.CloseHelper;
import org.agrona.ErrorHandler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process's access to links: an Aeron client and, unless there is one already, a media driver.
 * For any thread. Who launched it closes it.
 */
public final class Transport implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Transport.class);
  private static final long CLOSE_WAIT_SECONDS = 10;
  private static final long COPY_WAIT_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long BIND_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final TransportConfig config;
  private final Path aeronDirectory;
  private final @Nullable DriverDirectory directory;
  private final @Nullable MediaDriver driver;
  private final Aeron aeron;
  private final CountDownLatch closed = new CountDownLatch(1);

  /** Written with this locked. */
  private final Map<AutoCloseable, LinkGate> links = new ConcurrentHashMap<>();

  /** Guarded by this. */
  private boolean closing;

  private Transport(
      TransportConfig config,
      Path aeronDirectory,
      @Nullable DriverDirectory directory,
      @Nullable MediaDriver driver,
      Aeron aeron) {
    this.config = config;
    this.aeronDirectory = aeronDirectory;
    this.directory = directory;
    this.driver = driver;
    this.aeron = aeron;
    aeron.addCloseHandler(this::onClientClosing);
  }

  /**
   * Starts a driver (or finds one) and connects to it.
   *
   * @throws TransportException if that fails; nothing is left behind
   */
  public static Transport launch(TransportConfig config) {
    DriverDirectory directory = null;
    MediaDriver driver = null;
    try {
      Path aeronDirectory = config.aeronDirectory();
      ErrorHandler errors = errorHandler();
      if (config.embeddedDriver()) {
        directory =
            aeronDirectory == null
                ? DriverDirectory.fresh()
                : DriverDirectory.chosen(aeronDirectory);
        aeronDirectory = directory.aeron();
        driver = MediaDriver.launch(Drivers.context(config, aeronDirectory, errors));
        directory.driverRuns();
      }
      if (aeronDirectory == null) {
        throw new IllegalStateException("an external driver without its directory");
      }
      Aeron aeron = Aeron.connect(clientContext(config, aeronDirectory, errors));
      return new Transport(config, aeronDirectory, directory, driver, aeron);
    } catch (IOException | RuntimeException e) {
      CloseHelper.quietCloseAll(driver, directory);
      if (e instanceof TransportException ours) {
        throw ours;
      }
      throw new TransportException(
          config.embeddedDriver()
              ? "cannot start a media driver: " + e.getMessage()
              : "no media driver answers in %s: %s"
                  .formatted(config.aeronDirectory(), e.getMessage()),
          e);
    }
  }

  /**
   * Opens the sending end of a link. Its receiver may come later.
   *
   * @throws TransportException if the address is not allowed or the driver refuses it
   * @throws IllegalStateException if this is closed
   */
  public FrameSender sender(LinkAddress address) {
    String channel = Channels.forSender(address, config);
    LinkSecret secret = address.isUdp() ? config.sealing() : null;
    synchronized (this) {
      checkOpen();
      ExclusivePublication publication;
      try {
        publication = aeron.addExclusivePublication(channel, address.streamId());
      } catch (RuntimeException e) {
        throw refused(address, e);
      }
      if (publication.maxMessageLength() < FrameLayout.MAX_START_HEADER) {
        publication.close();
        throw new TransportException(
            "%s: terms of %,d bytes are too small for a frame's head: at least %,d"
                .formatted(
                    address, publication.termBufferLength(), TransportConfig.MIN_TERM_LENGTH));
      }
      FrameSender sender =
          new FrameSender(
              address,
              publication,
              config.maxPayloadBytes(),
              secret == null ? null : new Sealer(secret, address),
              this::onLinkClosed);
      links.put(sender, sender.gate());
      return sender;
    }
  }

  /**
   * Opens the receiving end of a link.
   *
   * @throws TransportException if the address is not allowed or taken, or the driver refuses it
   * @throws IllegalStateException if this is closed
   */
  public FrameReceiver receiver(LinkAddress address) {
    String channel = Channels.forReceiver(address, config);
    synchronized (this) {
      checkOpen();
      Subscription subscription;
      try {
        subscription = aeron.addSubscription(channel, address.streamId());
      } catch (RuntimeException e) {
        throw refused(address, e);
      }
      FrameReceiver receiver =
          new FrameReceiver(
              bound(address, subscription),
              subscription,
              config.maxPayloadBytes(),
              address.isUdp() ? config.sealing() : null,
              this::onLinkClosed);
      links.put(receiver, receiver.gate());
      return receiver;
    }
  }

  /** Where the driver keeps its files. */
  public Path aeronDirectory() {
    return aeronDirectory;
  }

  /**
   * Closes every link, then client and driver, and removes the directory that was made for them.
   * Waits a bounded time for calls in progress on other threads; a handler that takes longer
   * finishes the closing when it returns. So does one that calls this.
   */
  @Override
  public void close() {
    List<LinkGate> gates;
    boolean first;
    synchronized (this) {
      first = !closing;
      closing = true;
      gates = new ArrayList<>(links.values());
    }
    if (first) {
      gates.forEach(LinkGate::close);
      if (gates.isEmpty()) {
        shutDown();
      }
    }
    Thread self = Thread.currentThread();
    if (gates.stream().anyMatch(gate -> gate.isInside(self))) {
      return;
    }
    try {
      if (!closed.await(CLOSE_WAIT_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn(
            "Closed but for links that are still in use: the last to leave finishes it: {}", this);
      }
    } catch (InterruptedException e) {
      self.interrupt();
    }
  }

  @Override
  public synchronized String toString() {
    return "transport in " + aeronDirectory + " " + links.keySet();
  }

  private void onLinkClosed(AutoCloseable link) {
    synchronized (this) {
      links.remove(link);
      if (!closing || !links.isEmpty()) {
        return;
      }
    }
    shutDown();
  }

  /**
   * The client is closing its links, which it does by itself when the driver is gone: it unmaps
   * their memory when this returns, and a copy may be under way. A handler that is at work is no
   * matter.
   */
  private void onClientClosing() {
    long deadline = System.nanoTime() + COPY_WAIT_NANOS;
    // Without the lock: its owner may be waiting for the client.
    for (LinkGate gate : links.values()) {
      while (gate.isBusy() && System.nanoTime() - deadline < 0) {
        LockSupport.parkNanos(100_000);
      }
    }
  }

  /** Exactly once, when no link is left. */
  private void shutDown() {
    // With the flag set, nobody would wait for the threads to end.
    boolean interrupted = Thread.interrupted();
    try {
      CloseHelper.closeAll(
          e -> LOG.warn("Closing the transport in {}", aeronDirectory, e),
          aeron,
          driver,
          directory);
    } finally {
      closed.countDown();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void checkOpen() {
    if (closing) {
      throw new IllegalStateException("this transport is closed");
    }
  }

  /** With the port that the system chose, where it was left to it. */
  private LinkAddress bound(LinkAddress address, Subscription subscription) {
    if (!address.channel().contains(":0")) {
      return address;
    }
    long deadline = System.nanoTime() + BIND_WAIT_NANOS;
    String channel = subscription.tryResolveChannelEndpointPort();
    while (channel == null && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(100_000);
      channel = subscription.tryResolveChannelEndpointPort();
    }
    if (channel == null) {
      subscription.close();
      throw new TransportException(address + ": the media driver did not bind it in time");
    }
    return new LinkAddress(channel, address.streamId());
  }

  private static TransportException refused(LinkAddress address, RuntimeException e) {
    return new TransportException(
        "%s: the media driver refuses it: %s".formatted(address, e.getMessage()), e);
  }

  private static ErrorHandler errorHandler() {
    LimitedLog log = new LimitedLog(LOG);
    return e -> log.warn("Aeron: " + e.getMessage(), e);
  }

  private static Aeron.Context clientContext(
      TransportConfig config, Path directory, ErrorHandler errors) {
    return new Aeron.Context()
        .aeronDirectoryName(directory.toString())
        .driverTimeoutMs(Drivers.driverTimeoutMillis(config))
        .errorHandler(errors)
        .subscriberErrorHandler(errors)
        .threadFactory(Drivers.threads("sluice-aeron-client"));
  }
}
