package dev.sluice.transport;

import static io.aeron.CommonContext.ENDPOINT_PARAM_NAME;
import static io.aeron.CommonContext.INTERFACE_PARAM_NAME;
import static io.aeron.CommonContext.MDC_CONTROL_PARAM_NAME;
import static io.aeron.CommonContext.MTU_LENGTH_PARAM_NAME;
import static io.aeron.CommonContext.TERM_LENGTH_PARAM_NAME;

import io.aeron.ChannelUri;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a link's address on its way to the driver: checked, and with our settings in it.
 */
final class Channels {
  private Channels() {}

  static String forSender(LinkAddress address, TransportConfig config) {
    ChannelUri uri = checked(address, config);
    putIfAbsent(uri, TERM_LENGTH_PARAM_NAME, Integer.toString(config.termBufferLength()));
    int mtu = uri.isIpc() ? config.ipcMtu() : config.udpMtu();
    putIfAbsent(uri, MTU_LENGTH_PARAM_NAME, Integer.toString(mtu));
    String endpoint = uri.get(ENDPOINT_PARAM_NAME);
    if (uri.isUdp() && isLoopback(endpoint) && !uri.containsKey(MDC_CONTROL_PARAM_NAME)) {
      // Else the socket for the receiver's answers listens on every interface.
      putIfAbsent(uri, INTERFACE_PARAM_NAME, host(endpoint));
    }
    return uri.toString();
  }

  static String forReceiver(LinkAddress address, TransportConfig config) {
    return checked(address, config).toString();
  }

  private static ChannelUri checked(LinkAddress address, TransportConfig config) {
    ChannelUri uri = ChannelUri.parse(address.channel());
    if (uri.isUdp()) {
      if (!uri.containsKey(ENDPOINT_PARAM_NAME)) {
        throw new TransportException(
            address + ": a link over UDP needs its receiver's address: endpoint=HOST:PORT");
      }
      if (!config.allowRemote()) {
        checkLoopback(address, uri, ENDPOINT_PARAM_NAME);
        checkLoopback(address, uri, MDC_CONTROL_PARAM_NAME);
        checkLoopback(address, uri, INTERFACE_PARAM_NAME);
      }
    }
    return uri;
  }

  private static void checkLoopback(LinkAddress address, ChannelUri uri, String parameter) {
    String value = uri.get(parameter);
    if (value != null && !isLoopback(value)) {
      throw new TransportException(
          "%s: %s=%s is not of this machine's loopback, and frames are neither encrypted nor authenticated: seal them with a secret, or set allowRemote to send them over a network all the same"
              .formatted(address, parameter, value));
    }
  }

  /** Of literal addresses and localhost; other names are not looked up. */
  private static boolean isLoopback(@Nullable String hostAndPort) {
    if (hostAndPort == null) {
      return false;
    }
    String host = host(hostAndPort);
    if (host.equals("localhost")) {
      return true;
    }
    try {
      return InetAddress.ofLiteral(host.replaceAll("[\\[\\]]", "")).isLoopbackAddress();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Without port and prefix length; an IPv6 address keeps its brackets. */
  private static String host(String hostAndPort) {
    int bracket = hostAndPort.indexOf(']');
    if (bracket >= 0) {
      return hostAndPort.substring(0, bracket + 1);
    }
    return hostAndPort.replaceFirst("[:/].*", "");
  }

  private static void putIfAbsent(ChannelUri uri, String parameter, String value) {
    if (!uri.containsKey(parameter)) {
      uri.put(parameter, value);
    }
  }
}
