package dev.sluice.actors.security;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.sluice.transport.LinkSecret;
import dev.sluice.transport.TransportConfig;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code sluice.security} says: off, or on with all of a certificate authority, the node's own
 * certificate and key, and the cluster's secret. Certificates and secret go together because each
 * protects a half: certificates the actors' messages, the secret the frames. Read and checked once,
 * when a process starts; immutable.
 */
public final class SecurityConfig {
  /** Where the settings stand. */
  public static final String PATH = "sluice.security";

  private static final String HOW =
      "'sluice certs init' and 'sluice certs node NAME' make what is needed";

  private final @Nullable Credentials credentials;
  private final boolean insecure;

  /** What a node shows, and what it asks of others. */
  private record Credentials(Path ca, Path certificate, Path key, LinkSecret secret) {}

  private SecurityConfig(@Nullable Credentials credentials, boolean insecure) {
    this.credentials = credentials;
    this.insecure = insecure;
  }

  /**
   * Reads the settings, and the files that they name.
   *
   * @param config with the keys at {@link #PATH}, as reference.conf documents them
   * @throws SecurityConfigException if some are given and some are missing, if a file cannot be
   *     read or is not what it should be, or if certificate, key and authority do not belong
   *     together
   */
  public static SecurityConfig of(Config config) {
    Config security = config.getConfig(PATH);
    boolean insecure = security.getBoolean("insecure");
    String secret = security.getString("secret").strip();
    String secretFile = security.getString("secret-file");
    if (!secret.isEmpty() && !secretFile.isEmpty()) {
      throw new SecurityConfigException(
          PATH + ": secret and secret-file are both given; one of them is enough");
    }
    List<String> given = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    for (String key : List.of("ca", "certificate", "key")) {
      (security.getString(key).isEmpty() ? missing : given).add(key);
    }
    (secret.isEmpty() && secretFile.isEmpty() ? missing : given).add("secret-file");
    if (given.isEmpty()) {
      return new SecurityConfig(null, insecure);
    }
    if (!missing.isEmpty()) {
      throw new SecurityConfigException(
          "%s: %s given without %s; all go together, and %s"
              .formatted(PATH, String.join(", ", given), String.join(", ", missing), HOW));
    }
    Path ca = Path.of(security.getString("ca")).toAbsolutePath();
    Path certificate = Path.of(security.getString("certificate")).toAbsolutePath();
    Path key = Path.of(security.getString("key")).toAbsolutePath();
    CredentialFiles.check(ca, certificate, key);
    LinkSecret shared =
        secretFile.isEmpty()
            ? CredentialFiles.secret(secret, PATH + ".secret")
            : CredentialFiles.secret(Path.of(secretFile).toAbsolutePath());
    return new SecurityConfig(new Credentials(ca, certificate, key, shared), insecure);
  }

  /** Whether what travels between machines is encrypted and authenticated. */
  public boolean isOn() {
    return credentials != null;
  }

  /**
   * What Akka's remoting must be told, to be put before any other configuration of the actor
   * system; empty when off. When on: TLS 1.3 only, both ends show a certificate of the authority,
   * and the names in the two certificates have one in common, which is the cluster's. The files are
   * read again every five minutes, so that certificates can be replaced without a restart.
   */
  public Config remoting() {
    if (credentials == null) {
      return ConfigFactory.empty();
    }
    String engine = "akka.remote.artery.ssl.rotating-keys-engine.";
    return ConfigFactory.parseMap(
        Map.of(
            "akka.remote.artery.transport",
            "tls-tcp",
            "akka.remote.artery.ssl.ssl-engine-provider",
            CountedTls.class.getName(),
            engine + "protocol",
            "TLSv1.3",
            engine + "enabled-algorithms",
            List.of("TLS_AES_256_GCM_SHA384"),
            engine + "ca-cert-file",
            credentials.ca().toString(),
            engine + "cert-file",
            credentials.certificate().toString(),
            engine + "key-file",
            credentials.key().toString()),
        PATH);
  }

  /**
   * Seals the links of a transport when on; when off, lets frames leave the machine only where
   * {@code insecure} says so.
   *
   * @return the builder
   */
  public TransportConfig.Builder seal(TransportConfig.Builder builder) {
    return credentials == null
        ? builder.allowRemote(insecure)
        : builder.sealing(credentials.secret());
  }

  /**
   * The rule for every port that a node opens, whatever it serves: where others than this machine's
   * own processes can reach it, security is on, or {@code insecure} says that it need not be.
   *
   * @param what the setting that names the address, for the message: {@code --bind}
   * @param host a name or literal address. Of names only localhost counts as this machine's own:
   *     what others mean is for a resolver to say, and may change
   * @throws SecurityConfigException if the port must not be opened
   */
  public void checkBind(String what, String host) {
    if (credentials == null && !insecure && !isLoopback(host)) {
      throw new SecurityConfigException(
          "%s %s: others can reach this address, and neither certificates nor a secret are given; %s, or --insecure opens it all the same"
              .formatted(what, host, HOW));
    }
  }

  /** Of literal addresses and localhost; no name is looked up. */
  static boolean isLoopback(String host) {
    String bare =
        host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    if (bare.toLowerCase(Locale.ROOT).equals("localhost")) {
      return true;
    }
    try {
      return InetAddress.ofLiteral(bare).isLoopbackAddress();
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  /** Says nothing of the secret. */
  @Override
  public String toString() {
    if (credentials == null) {
      return insecure ? "security off (--insecure)" : "security off";
    }
    return "security on, certificate " + credentials.certificate();
  }
}
