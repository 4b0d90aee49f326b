package dev.sluice.transport;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.slf4j.helpers.NOPLogger;

/** Fragments of sealed messages as a link delivers them, and as a stranger would have them. */
class SealedInboundTest {
  private static final int MAX_PAYLOAD = 1 << 20;
  private static final LinkAddress ADDRESS = LinkAddress.udp("127.0.0.1", 4_000, 7).named("run-1");
  private static final byte[] KEY_MATERIAL =
      "forty characters of nothing but a secret".getBytes(US_ASCII);
  private static final LinkSecret SECRET = LinkSecret.of(KEY_MATERIAL);

  /** The receiving end of a link: one for every try. */
  private static final class Receiver {
    final EpochLedger ledger = new EpochLedger(ADDRESS, new LimitedLog(NOPLogger.NOP_LOGGER));
    final SealedSenders senders = new SealedSenders();
    final List<Links.Copy> delivered = new ArrayList<>();

    /** Another image of the link. */
    Image image() {
      Inbound inbound = new Inbound(ledger, MAX_PAYLOAD);
      return new Image(this, inbound, new SealedInbound(SECRET, ADDRESS, senders, inbound, ledger));
    }
  }

  private record Image(Receiver receiver, Inbound inbound, SealedInbound sealed)
      implements AutoCloseable {
    void feed(List<Wire.Fragment> wire) {
      for (Wire.Fragment fragment : wire) {
        UnsafeBuffer term = Wire.term(fragment, 32);
        int length = fragment.bytes().length;
        if (sealed.onFragment(term, 32, length, fragment.begin(), fragment.end())) {
          Frame frame = inbound.frame();
          if (!receiver.ledger.isStale(frame.epoch())) {
            inbound.attach();
            receiver.delivered.add(Links.Copy.of(frame));
            frame.detach();
          }
          inbound.taken();
        }
      }
    }

    @Override
    public void close() {
      inbound.close();
    }
  }

  private static Frame frame(int epoch, long microBatch) {
    return Links.random(new Random(microBatch), epoch, microBatch, 3, 2_000);
  }

  private static List<Wire.Fragment> sealed(Sealer sealer, int epoch, long sequence) {
    return Wire.fragments(frame(epoch, sequence), sequence, 992, sealer);
  }

  @Property(tries = 50)
  void shouldNeverDeliverWhatWasNotSent(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int faults) {
    Random random = new Random(seed);
    Sealer sealer = new Sealer(SECRET, ADDRESS);
    List<Links.Copy> sent = new ArrayList<>();
    List<Wire.Fragment> wire = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      int payload = random.nextInt(4) == 0 ? random.nextInt(300_000) : random.nextInt(3_000);
      Frame frame = Links.random(random, 1, i, random.nextInt(200), payload);
      sent.add(Links.Copy.of(frame));
      wire.addAll(Wire.fragments(frame, i, random.nextBoolean() ? 992 : 8_192, sealer));
    }
    for (int i = 0; i < faults; i++) {
      Wire.fault(random, wire);
    }
    // What is lost at the end shows when another one comes.
    Frame last = Links.random(random, 1, 12, 3, 1_000);
    sent.add(Links.Copy.of(last));
    wire.addAll(Wire.fragments(last, 12, 992, sealer));
    Receiver receiver = new Receiver();
    try (Image image = receiver.image()) {
      image.feed(wire);
      List<Links.Copy> delivered = receiver.delivered;
      assertThat(delivered).isEqualTo(sent.subList(0, delivered.size()));
      assertThat(delivered.size() == sent.size() || receiver.ledger.failedEpoch() == 1).isTrue();
      // And the next epoch is as if nothing had been.
      Frame next = Links.random(random, 2, 0, 3, 200_000);
      image.feed(Wire.fragments(next, 0, 992, sealer));
      assertThat(delivered.getLast()).isEqualTo(Links.Copy.of(next));
    }
  }

  @Property(tries = 50)
  void shouldDropGarbageAndFailNoEpoch(@ForAll long seed) {
    Random random = new Random(seed);
    Sealer sealer = new Sealer(SECRET, ADDRESS);
    Receiver receiver = new Receiver();
    try (Image image = receiver.image();
        Image stranger = receiver.image()) {
      for (int i = 0; i < 20; i++) {
        stranger.feed(List.of(garbage(random)));
        image.feed(sealed(sealer, 1, i));
      }
      assertThat(receiver.delivered).hasSize(20);
      assertThat(receiver.ledger.failedEpoch()).isEqualTo(-1);
      assertThat(receiver.ledger.counters.gaps()).isZero();
      assertThat(image.sealed().isForeign()).isFalse();
    }
  }

  /** Noise, often behind a header as it should be. */
  private static Wire.Fragment garbage(Random random) {
    byte[] bytes = new byte[random.nextInt(300)];
    random.nextBytes(bytes);
    if (random.nextBoolean()) {
      byte[] good = sealed(new Sealer(SECRET, ADDRESS), 1, 0).getFirst().bytes();
      System.arraycopy(good, 0, bytes, 0, Math.min(bytes.length, random.nextInt(1, 60)));
    }
    return new Wire.Fragment(bytes, random.nextInt(4) > 0, random.nextInt(4) > 0);
  }

  @Test
  void shouldRefuseWhatIsNotSealed() {
    Receiver receiver = new Receiver();
    try (Image image = receiver.image()) {
      image.feed(Wire.fragments(frame(1, 0), 0, 992));
      assertThat(receiver.delivered).isEmpty();
      assertThat(receiver.ledger.counters.forged()).isEqualTo(1);
      assertThat(image.sealed().isForeign()).isTrue();
    }
  }

  @Test
  void shouldRefuseWhatIsSealedForAnotherLink() {
    LinkSecret other = LinkSecret.of(new byte[32]);
    List<Sealer> strangers =
        List.of(
            new Sealer(other, ADDRESS),
            new Sealer(SECRET, new LinkAddress(ADDRESS.channel(), 8)),
            new Sealer(SECRET, ADDRESS.named("run-2")),
            new Sealer(SECRET, LinkAddress.udp("127.0.0.1", 4_000, 7)));
    Receiver receiver = new Receiver();
    for (Sealer stranger : strangers) {
      try (Image image = receiver.image()) {
        image.feed(sealed(stranger, 1, 0));
      }
    }
    assertThat(receiver.delivered).isEmpty();
    assertThat(receiver.ledger.counters.forged()).isEqualTo(strangers.size());
    assertThat(receiver.ledger.failedEpoch()).isEqualTo(-1);
  }

  @Test
  void shouldRefuseWhatSomebodyRecorded() {
    Sealer sealer = new Sealer(SECRET, ADDRESS);
    List<Wire.Fragment> recorded = new ArrayList<>();
    Receiver receiver = new Receiver();
    try (Image image = receiver.image();
        Image player = receiver.image();
        Image later = receiver.image()) {
      for (int i = 0; i < 3; i++) {
        recorded.addAll(sealed(sealer, 1, i));
      }
      image.feed(recorded);
      player.feed(recorded);
      assertThat(receiver.ledger.counters.replayed()).isEqualTo(3);
      assertThat(player.sealed().isForeign()).isTrue();
      image.feed(sealed(sealer, 1, 3));
      assertThat(receiver.delivered).hasSize(4);
      // Also when its sender is gone.
      image.sealed().onGone();
      later.feed(recorded);
      assertThat(receiver.ledger.counters.replayed()).isEqualTo(6);
      assertThat(receiver.delivered).hasSize(4);
      assertThat(receiver.ledger.failedEpoch()).isEqualTo(-1);
    }
  }

  @Test
  void shouldFailTheEpochWhenSomethingStandsInASendersPlace() {
    Sealer sealer = new Sealer(SECRET, ADDRESS);
    Receiver receiver = new Receiver();
    try (Image image = receiver.image()) {
      image.feed(sealed(sealer, 1, 0));
      image.feed(List.of(new Wire.Fragment(new byte[100], true, true)));
      assertThat(receiver.ledger.failedEpoch()).isEqualTo(1);
    }
  }

  @Test
  void shouldLimitTheSendersThatAReceiverEverHas() {
    Receiver receiver = new Receiver();
    for (int i = 0; i < SealedSenders.LIMIT + 1; i++) {
      try (Image image = receiver.image()) {
        image.feed(sealed(new Sealer(SECRET, ADDRESS), 1, 0));
        image.sealed().onGone();
      }
    }
    assertThat(receiver.delivered).hasSize(SealedSenders.LIMIT);
    assertThat(receiver.ledger.counters.forged()).isEqualTo(1);
  }

  @Test
  void shouldRefuseAMessageOverTheLimit() {
    Receiver receiver = new Receiver();
    try (Image image = receiver.image()) {
      byte[] longest = new byte[FrameLayout.MAX_SEALED];
      image.feed(List.of(new Wire.Fragment(longest, true, false)));
      image.feed(List.of(new Wire.Fragment(new byte[1], false, false)));
      assertThat(receiver.ledger.counters.forged()).isEqualTo(1);
    }
  }

  @Test
  void shouldHideWhatIsSent() {
    Frame frame = frame(1, 0);
    byte[] payload = Links.Copy.of(frame).payload().array();
    Sealer sealer = new Sealer(SECRET, ADDRESS);
    byte[] first = bytes(Wire.fragments(frame, 0, 992, sealer));
    byte[] second = bytes(Wire.fragments(frame, 0, 992, sealer));
    assertThat(first).isNotEqualTo(second).hasSameSizeAs(second);
    assertThat(indexOf(first, Arrays.copyOf(payload, 8))).isNegative();
  }

  /** Worked out anew from RFC 5869 and the layout in the schema. */
  @Test
  void shouldSealAsDocumented() throws GeneralSecurityException {
    Frame frame = frame(3, 0);
    Sealer sealer = new Sealer(SECRET, ADDRESS);
    sealed(sealer, 3, 0);
    byte[] message = bytes(Wire.fragments(frame, 0, 992, sealer));
    UnsafeBuffer view = new UnsafeBuffer(message);
    assertThat(view.getInt(8)).isEqualTo(3);
    long number = view.getLong(16);
    assertThat(number).isEqualTo(1);
    byte[] salt =
        ByteBuffer.allocate(16).putLong(view.getLong(24)).putLong(view.getLong(32)).array();
    byte[] info =
        ByteBuffer.allocate(44)
            .put("sluice sealed frames, version 1".getBytes(US_ASCII))
            .putInt(7)
            .putInt(3)
            .put("run-1".getBytes(US_ASCII))
            .array();
    byte[] pseudorandom = hmac(salt, KEY_MATERIAL);
    byte[] key = hmac(pseudorandom, ByteBuffer.allocate(45).put(info).put((byte) 1).array());
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    byte[] nonce = ByteBuffer.allocate(12).putInt(0).putLong(number).array();
    cipher.init(
        Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, nonce));
    cipher.updateAAD(message, 0, 40);
    byte[] plain = cipher.doFinal(message, 40, message.length - 40);
    assertThat(plain).isEqualTo(bytes(Wire.fragments(frame, 0, 992)));
  }

  @Test
  void shouldRefuseAShortSecret() {
    assertThatThrownBy(() -> LinkSecret.of(new byte[31]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("32");
  }

  private static byte[] hmac(byte[] key, byte[] text) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(text);
  }

  private static byte[] bytes(List<Wire.Fragment> wire) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    wire.forEach(fragment -> all.writeBytes(fragment.bytes()));
    return all.toByteArray();
  }

  private static int indexOf(byte[] bytes, byte[] pattern) {
    for (int i = 0; i + pattern.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + pattern.length, pattern, 0, pattern.length)) {
        return i;
      }
    }
    return -1;
  }
}
