package dev.sluice.actors.weights;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.store.Manifest;
import dev.sluice.model.store.StoredModel;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.BitSet;

/** A model that a server reads from. */
sealed interface Holding extends AutoCloseable {
  Manifest manifest();

  BitSet chunks();

  /** Fills {@code into} from a chunk that is there. */
  void read(int chunk, int offset, ByteBuffer into);

  @Override
  void close();

  /** A file of someone else's, whole. */
  record OfFile(GgufFile file, Manifest manifest) implements Holding {
    @Override
    public BitSet chunks() {
      BitSet all = new BitSet();
      all.set(0, manifest.chunks());
      return all;
    }

    @Override
    public void read(int chunk, int offset, ByteBuffer into) {
      MemorySegment from =
          file.contents(manifest.partOf(chunk))
              .asSlice(manifest.offset(chunk) + offset, into.remaining());
      into.put(from.asByteBuffer());
    }

    @Override
    public void close() {
      // whoever opened it closes it
    }
  }

  /** What a store has. */
  record OfStore(StoredModel model) implements Holding {
    @Override
    public Manifest manifest() {
      return model.manifest();
    }

    @Override
    public BitSet chunks() {
      return model.present();
    }

    @Override
    public void read(int chunk, int offset, ByteBuffer into) {
      model.read(chunk, offset, into);
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
