package dev.sluice.model.reference;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Frees intermediate arrays where a computation ends. Their memory lies outside the heap, so the
 * garbage collector would let it pile up; ND4J's workspaces, meant for this, leave their memory
 * allocated when they are closed.
 *
 * <p>Only arrays with memory of their own may be owned, never views of others.
 */
final class Scope implements AutoCloseable {
  private final Set<INDArray> owned = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Frees {@code array} when the scope closes. */
  INDArray own(INDArray array) {
    owned.add(array);
    return array;
  }

  /** Takes {@code array} out of the scope: it goes to the caller. */
  INDArray release(INDArray array) {
    owned.remove(array);
    return array;
  }

  @Override
  public void close() {
    for (INDArray array : owned) {
      free(array);
    }
    owned.clear();
  }

  /** Frees one array. */
  static void free(INDArray array) {
    if (array.closeable()) {
      array.close();
    }
  }
}
