package dev.sluice.transport;

import static io.aeron.CommonContext.ALIAS_PARAM_NAME;

import io.aeron.ChannelUri;
import java.util.regex.Pattern;

/**
 * Where a link's frames go: an Aeron channel and a stream in it.
 *
 * @param channel {@code aeron:ipc}, or {@code aeron:udp?endpoint=127.0.0.1:40123}; port 0 lets the
 *     receiver choose, and {@link FrameReceiver#address()} tells which. Further parameters are
 *     Aeron's.
 * @param streamId tells the streams of a channel apart
 */
public record LinkAddress(String channel, int streamId) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

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

  /**
   * The same link under a name, which both ends must give. The keys of a sealed link are bound to
   * it: under a name that was never used before, nothing that was ever recorded is taken for new,
   * even when stream and epoch come again because all of a cluster was restarted.
   *
   * @param name 1 to 64 letters, digits, dots, underlines and hyphens
   * @throws IllegalArgumentException if it is something else
   */
  public LinkAddress named(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "a link's name is 1 to 64 letters, digits, '.', '_' and '-', not '%s'".formatted(name));
    }
    ChannelUri uri = ChannelUri.parse(channel);
    uri.put(ALIAS_PARAM_NAME, name);
    return new LinkAddress(uri.toString(), streamId);
  }

  boolean isUdp() {
    return ChannelUri.parse(channel).isUdp();
  }

  /** What {@link #named} set; empty without. */
  String name() {
    String name = ChannelUri.parse(channel).get(ALIAS_PARAM_NAME);
    return name == null ? "" : name;
  }
}
