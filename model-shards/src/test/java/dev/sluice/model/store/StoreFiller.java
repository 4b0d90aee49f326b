package dev.sluice.model.store;

import dev.sluice.model.gguf.GgufFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Puts a file into a store chunk by chunk, says what it does, and waits to be killed. */
final class StoreFiller {
  private StoreFiller() {}

  public static void main(String[] args) throws IOException {
    try (GgufFile file = GgufFile.open(Path.of(args[0]));
        StoredModel model = ModelStore.open(Path.of(args[1]), 1L << 40).create(Manifest.of(file))) {
      for (int chunk = 0; chunk < model.manifest().chunks(); chunk++) {
        System.out.println("writing " + chunk);
        if (!model.write(chunk, chunk(file, model.manifest(), chunk))) {
          throw new IllegalStateException("chunk " + chunk);
        }
        if (chunk % 2 == 1) {
          model.flush();
          System.out.println("kept " + chunk);
        }
      }
      int _ = System.in.read();
    }
  }

  static ByteBuffer chunk(GgufFile file, Manifest manifest, int chunk) {
    return file.contents(manifest.partOf(chunk))
        .asSlice(manifest.offset(chunk), manifest.length(chunk))
        .asByteBuffer();
  }
}
