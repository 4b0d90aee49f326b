package dev.sluice.transport;

import io.aeron.ChannelUri;

/**
 * Where a link's frames go: an Aeron channel and a stream in it.
 *
 * @param channel {@code aeron:ipc}, or {@code aeron:udp?endpoint=127.0.0.1:40123}; port 0 lets the
 *     receiver choose, and {@link FrameReceiver#address()} tells which. Further parameters are
 *     Aeron's.
 * @param streamId tells the streams of a channel apart
 */
public record LinkAddress(String channel, int streamId) {
  /**
   * Checks the channel.
   *
   * @throws IllegalArgumentException if the channel is not a URI of Aeron's for IPC or UDP
   */
  public LinkAddress {
    ChannelUri uri;
    try {
      uri = ChannelUri.parse(channel);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "not an Aeron channel: '%s' (such as aeron:ipc or aeron:udp?endpoint=127.0.0.1:40123)"
              .formatted(channel),
          e);
    }
    if (!uri.isIpc() && !uri.isUdp()) {
      throw new IllegalArgumentException(
          "a link is aeron:ipc or aeron:udp, not '%s'".formatted(channel));
    }
  }

  /** A link within this machine, through shared memory. */
  public static LinkAddress ipc(int streamId) {
    return new LinkAddress("aeron:ipc", streamId);
  }

  /** A link over UDP to where its receiver listens. An IPv6 address stands in brackets. */
  public static LinkAddress udp(String host, int port, int streamId) {
    return new LinkAddress("aeron:udp?endpoint=" + host + ":" + port, streamId);
  }
}
