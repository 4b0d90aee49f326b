package dev.sluice.actors.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.sluice.transport.TransportConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code sluice.security} may say, without certificates; with them, see the tests of ops. */
class SecurityConfigTest {
  @TempDir Path folder;

  private static Config config(String... settings) {
    return ConfigFactory.parseString(String.join("\n", settings))
        .atPath(SecurityConfig.PATH)
        .withFallback(ConfigFactory.defaultReference());
  }

  private static SecurityConfig security(String... settings) {
    return SecurityConfig.of(config(settings));
  }

  @Test
  void shouldBeOffByDefault() {
    SecurityConfig off = security();
    assertThat(off.isOn()).isFalse();
    assertThat(off.remoting().isEmpty()).isTrue();
    assertThat(off.seal(TransportConfig.builder()).build().allowRemote()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "[::1]"})
  void shouldLetItselfBeReachedFromThisMachine(String host) {
    assertThatCode(() -> security().checkBind("--bind", host)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "0.0.0.0",
        "::",
        "[::]",
        "10.0.0.1",
        "fe80::1",
        "example.org",
        "127.0.0.1.nip"
      })
  void shouldRefuseToBeReachedFromElsewhere(String host) {
    assertThatThrownBy(() -> security().checkBind("--bind", host))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageStartingWith("--bind " + host)
        .hasMessageContaining("sluice certs")
        .hasMessageContaining("--insecure");
    SecurityConfig insecure = security("insecure = true");
    assertThatCode(() -> insecure.checkBind("--bind", host)).doesNotThrowAnyException();
    assertThat(insecure.seal(TransportConfig.builder()).build().allowRemote()).isTrue();
  }

  @Test
  void shouldNameWhatIsMissing() {
    assertThatThrownBy(() -> security("secret = \"" + "s".repeat(40) + "\"", "ca = ca.pem"))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("ca, secret-file given without certificate, key");
  }

  @Test
  void shouldRefuseTwoSecrets() {
    assertThatThrownBy(() -> security("secret = a", "secret-file = b"))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("one of them is enough");
  }

  @Test
  void shouldSayWhichFileIsNotThere() {
    String[] all = {
      "ca = ca.pem", "certificate = a.pem", "key = a-key.pem", "secret-file = secret"
    };
    assertThatThrownBy(() -> security(all))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("ca.pem")
        .hasMessageContaining("not there");
  }

  @Test
  void shouldRefuseFilesThatAreSomethingElse() throws IOException {
    Path file = Files.writeString(folder.resolve("x.pem"), "no certificate");
    assertThatThrownBy(() -> security("ca=\"" + file + "\",certificate=a,key=b,secret-file=c"))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("x.pem: not a certificate");
    Path large = Files.write(folder.resolve("large"), new byte[100_000]);
    assertThatThrownBy(() -> security("ca=\"" + large + "\",certificate=a,key=b,secret-file=c"))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("too long");
  }

  @Test
  void shouldRefuseAShortSecret() {
    assertThatThrownBy(() -> CredentialFiles.secret("short", "here"))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("here: a secret has at least 32");
  }
}
