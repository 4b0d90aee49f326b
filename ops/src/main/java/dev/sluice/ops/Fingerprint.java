package dev.sluice.ops;

import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.lora.ScaledAdapter;
import dev.sluice.model.store.Hashes;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Names all that answers depend on besides requests: weights, arithmetic, and this program. */
final class Fingerprint {
  private static final int BYTES = 6;

  private Fingerprint() {}

  /**
   * A fingerprint, such as {@code fp_1f2e3d4c5b6a}.
   *
   * @param content the model's
   */
  static String of(String content, PipelineOptions options) {
    MessageDigest digest = Hashes.sha256();
    try (OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
      write(out, content);
      write(out, options.kvType().name());
      write(out, options.backend().name());
      write(out, String.valueOf(Fingerprint.class.getPackage().getImplementationVersion()));
      for (ScaledAdapter adapter : options.adapters()) {
        write(out, Float.toString(adapter.scale()));
        try (InputStream in = Files.newInputStream(adapter.adapter().file())) {
          in.transferTo(out);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "fp_" + HexFormat.of().formatHex(digest.digest(), 0, BYTES);
  }

  private static void write(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.write(0);
  }
}
