package dev.sluice.model.kernel;

import dev.sluice.model.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;

/** Runs every kernel on fixed operands and prints a checksum for each; started by a test. */
final class KernelChecksum {
  private static final int N = 777;

  private final Arena arena;
  private final Random random = new Random(20_26);

  private KernelChecksum(Arena arena) {
    this.arena = arena;
  }

  /** Prints the number of float lanes, then a line a kernel; the argument is the thread count. */
  public static void main(String[] args) {
    System.out.println("lanes " + Lanes.LENGTH);
    try (Arena arena = Arena.ofConfined();
        WorkerPool pool = new WorkerPool(Integer.parseInt(args[0]))) {
      KernelChecksum checksum = new KernelChecksum(arena);
      for (GgmlType type : GgmlType.values()) {
        // Often enough that compiled code runs too.
        for (int round = 0; round < 3; round++) {
          checksum.matrix(pool, type, 1);
          checksum.matrix(pool, type, 7);
          if (PackedMatrix.supports(type)) {
            checksum.packed(pool, type, 1);
            checksum.packed(pool, type, 7);
          }
        }
      }
      checksum.rows();
      checksum.attention(false);
      checksum.attention(true);
    }
  }

  private MemorySegment random(int n) {
    return KernelOracle.segment(arena, KernelOracle.gaussians(random, n));
  }

  private static void print(String what, MemorySegment values) {
    CRC32C crc = new CRC32C();
    crc.update(values.asByteBuffer());
    System.out.println(what + " " + Long.toHexString(crc.getValue()));
  }

  private void matrix(WorkerPool pool, GgmlType type, int tokens) {
    int columns = type.blockSize() == 1 ? 1100 : 1280;
    int rows = 131;
    MemorySegment data = KernelOracle.weights(arena, type, rows, columns, random);
    MemorySegment x = random(columns * tokens);
    MemorySegment y = KernelOracle.floats(arena, (long) rows * tokens);
    Matrix.of(type, rows, columns, data).multiply(pool, x, 0, columns, tokens, y, 0, rows);
    print(type + " x " + tokens, y);
  }

  private void packed(WorkerPool pool, GgmlType type, int tokens) {
    int columns = 1280;
    int rows = 131;
    MemorySegment data = KernelOracle.weights(arena, type, rows, columns, random);
    MemorySegment x = random(columns * tokens);
    MemorySegment y = KernelOracle.floats(arena, (long) rows * tokens);
    try (Arena weights = Arena.ofShared();
        WorkerPool java = new WorkerPool(pool.threads(), KernelChoice.JAVA)) {
      PackedMatrix.pack(weights, java, List.of(Matrix.of(type, rows, columns, data)))
          .multiply(java, x, 0, columns, tokens, y, 0, rows);
    }
    print("packed " + type + " x " + tokens, y);
  }

  private void rows() {
    MemorySegment x = random(N);
    MemorySegment weight = random(N);
    MemorySegment y = KernelOracle.floats(arena, N);
    Norms.rmsNorm(x, 0, weight, 1e-5f, y, 0, N);
    print("rmsNorm", y);
    Norms.layerNorm(x, 0, weight, weight, 1e-5f, y, 0, N);
    print("layerNorm", y);
    VectorMath.exp(x, 0, y, 0, N);
    print("exp", y);
    VectorMath.tanh(x, 0, y, 0, N);
    print("tanh", y);
    Elementwise.copy(x, 0, y, 0, N);
    Softmax.softmax(y, 0, N);
    print("softmax", y);
    Elementwise.copy(x, 0, y, 0, N);
    Activations.siluGate(y, 0, weight, 0, N);
    Activations.geluTanhGate(y, 0, weight, 0, N);
    Activations.geluErf(y, 0, N);
    print("activations", y);
    Rope.builder(64, 500_000, 100).halves(true).build().apply(x, 0, 7, 100, 77);
    Rope.builder(64, 500_000, 100).yarn(4, 50, 1, 32, 1).build().apply(x, 0, 7, 100, 78);
    print("rope", x);
    Elementwise.softCap(x, 0, N, 30);
    print("softCap", x);
    y.setAtIndex(NativeMemory.FLOAT, 0, Dot.dot(x, 0, weight, 0, N));
    print("dot", y);
  }

  private void attention(boolean half) {
    KvLayout layout = new KvLayout(16, 2, 72, 88, half);
    MemorySegment[] pages = new MemorySegment[5];
    for (int i = 0; i < pages.length; i++) {
      pages[i] = arena.allocate(layout.pageBytes());
    }
    for (int position = 0; position < 75; position++) {
      layout.store(pages[position / 16], position % 16, random(144), 0, random(176), 0);
    }
    MemorySegment query = random(6 * 72);
    MemorySegment out = KernelOracle.floats(arena, 6 * 88);
    Attention attention = new Attention(layout, 6, 0.125f, half ? 50 : 0);
    attention.attend((_, _, index) -> pages[index], 0, 0, 0, 0, 74, query, 0, out, 0);
    attention.attend((_, _, index) -> pages[index], 0, 0, 1, 13, 74, query, 0, out, 0);
    print("attention " + (half ? "F16" : "F32"), out);
  }
}
