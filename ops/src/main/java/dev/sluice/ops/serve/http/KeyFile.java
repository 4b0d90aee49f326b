package dev.sluice.ops.serve.http;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigUtil;
import dev.sluice.model.store.Hashes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;

/**
 * The keys in a file, read anew when it changes. The file (HOCON) has their hashes only:
 *
 * <pre>{@code
 * keys {
 *   alice { sha256 = "…", scopes = [generate, watch], concurrency = 4, tokens-per-minute = 20000 }
 * }
 * }</pre>
 *
 * <p>A key is 32 random bytes, so that one round of SHA-256 hides it; every hash is compared, each
 * in constant time, so that time tells nothing of whose key is nearly right.
 */
public final class KeyFile implements Keys {
  private static final int KEY_BYTES = 32;
  private static final int MAX_FILE = 1 << 20;
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");
  private static final Set<String> FIELDS =
      Set.of("sha256", "scopes", "concurrency", "tokens-per-minute", "priority");

  private final WatchedFiles<List<Entry>> entries;

  /**
   * A key.
   *
   * @param hash in hex
   */
  private record Entry(String hash, Caller caller) {}

  private KeyFile(WatchedFiles<List<Entry>> entries) {
    this.entries = entries;
  }

  /**
   * Reads a file of keys.
   *
   * @param clock nanoseconds, ascending
   * @throws IOException telling what is wrong with it
   */
  public static KeyFile open(Path file, LongSupplier clock) throws IOException {
    return new KeyFile(new WatchedFiles<>(List.of(file), () -> read(file), clock));
  }

  /** A new key. */
  public static String newKey() {
    byte[] random = new byte[KEY_BYTES];
    new SecureRandom().nextBytes(random);
    return "sk-" + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
  }

  /** The line of the file for a key. */
  public static String line(String name, String key) {
    return "keys."
        + ConfigUtil.quoteString(name)
        + " { sha256 = \""
        + hash(key)
        + "\", scopes = [generate] }";
  }

  private static List<Entry> read(Path file) throws IOException {
    if (Files.size(file) > MAX_FILE) {
      throw new IOException(file + ": too long to be a file of keys");
    }
    try {
      Config config = ConfigFactory.parseString(Files.readString(file)).resolve();
      Config keys = config.getConfig("keys");
      List<Entry> entries = new ArrayList<>();
      for (String name : new TreeSet<>(keys.root().keySet())) {
        entries.add(entry(name, keys.getConfig(ConfigUtil.quoteString(name))));
      }
      return List.copyOf(entries);
    } catch (ConfigException | IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  private static Entry entry(String name, Config key) {
    for (String field : key.root().keySet()) {
      if (!FIELDS.contains(field)) {
        throw new IllegalArgumentException(
            "keys.%s.%s is not known; a key has %s".formatted(name, field, new TreeSet<>(FIELDS)));
      }
    }
    String hash = key.getString("sha256").toLowerCase(Locale.ROOT);
    if (!HASH.matcher(hash).matches()) {
      throw new IllegalArgumentException("keys." + name + ".sha256 must have 64 hex digits");
    }
    Set<Scope> scopes = new TreeSet<>();
    for (String scope : key.getStringList("scopes")) {
      scopes.add(Scope.valueOf(scope.toUpperCase(Locale.ROOT)));
    }
    int concurrency = key.hasPath("concurrency") ? key.getInt("concurrency") : Integer.MAX_VALUE;
    long tokens =
        key.hasPath("tokens-per-minute") ? key.getLong("tokens-per-minute") : Long.MAX_VALUE;
    if (concurrency < 1 || tokens < 1) {
      throw new IllegalArgumentException("keys." + name + ": limits must be above 0");
    }
    int priority = key.hasPath("priority") ? key.getInt("priority") : 0;
    return new Entry(hash, new Caller(name, scopes, concurrency, tokens, priority));
  }

  @Override
  public Optional<Caller> caller(Optional<String> key) {
    if (key.isEmpty()) {
      return Optional.empty();
    }
    byte[] hash = hash(key.get()).getBytes(StandardCharsets.US_ASCII);
    Caller found = null;
    for (Entry entry : entries.get()) {
      if (MessageDigest.isEqual(entry.hash().getBytes(StandardCharsets.US_ASCII), hash)) {
        found = entry.caller();
      }
    }
    return Optional.ofNullable(found);
  }

  private static String hash(String key) {
    return HexFormat.of().formatHex(Hashes.sha256().digest(key.getBytes(StandardCharsets.UTF_8)));
  }
}
