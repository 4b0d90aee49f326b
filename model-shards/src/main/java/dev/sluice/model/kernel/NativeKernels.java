package dev.sluice.model.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The kernels in C, {@code src/main/native/kernels.c}, where the build found a compiler and this
 * machine has the instructions. The library is carried among the classes, written to a private
 * folder to be loaded, and deleted at once.
 */
final class NativeKernels implements KernelProvider {
  private static final String[] LEVELS = {"none", "avx2", "avx512-vnni"};

  /** Addresses are passed as numbers: what they point to has been checked and is kept alive. */
  private static final FunctionDescriptor MULTIPLY =
      FunctionDescriptor.ofVoid(
          JAVA_INT, // level
          JAVA_INT, // nibbles
          JAVA_LONG, // weights
          JAVA_LONG, // panels
          JAVA_LONG, // blocks
          JAVA_INT, // last_rows
          JAVA_LONG, // quants
          JAVA_LONG, // scales
          JAVA_LONG, // biases
          JAVA_LONG, // block_stride
          JAVA_LONG, // tokens
          JAVA_LONG, // results
          JAVA_LONG); // result_stride

  private static final FunctionDescriptor QUANTIZE =
      FunctionDescriptor.ofVoid(
          JAVA_INT, // level
          JAVA_LONG, // x
          JAVA_LONG, // blocks
          JAVA_INT, // zero_point
          JAVA_LONG, // quants
          JAVA_LONG, // scales
          JAVA_LONG); // biases

  /** What came of the attempt to load the library. */
  private record Outcome(@Nullable NativeKernels kernels, String trouble) {
    private static final Outcome FIRST = load();
  }

  private final MethodHandle quantize;
  private final MethodHandle multiply;
  private final int level;

  private NativeKernels(MethodHandle quantize, MethodHandle multiply, int level) {
    this.quantize = quantize;
    this.multiply = multiply;
    this.level = level;
  }

  static boolean isAvailable() {
    return Outcome.FIRST.kernels() != null;
  }

  /** Why there are none; empty where there are. */
  static String trouble() {
    return Outcome.FIRST.trouble();
  }

  /**
   * The kernels.
   *
   * @throws IllegalStateException where there are none, saying why
   */
  static NativeKernels instance() {
    NativeKernels kernels = Outcome.FIRST.kernels();
    if (kernels == null) {
      throw new IllegalStateException("there are no native kernels: " + trouble());
    }
    return kernels;
  }

  /** The same kernels with instructions of a lower level, to compare them. */
  NativeKernels atLevel(int lower) {
    if (lower < 1 || lower > level) {
      throw new IllegalArgumentException("level " + lower + " of " + level);
    }
    return new NativeKernels(quantize, multiply, lower);
  }

  /** What the machine can do: 1 AVX2, 2 AVX-512 with VNNI. */
  int level() {
    return level;
  }

  private static Outcome load() {
    String machine = machine();
    String resource = "native/" + machine + "/" + System.mapLibraryName("sluice-kernels");
    try (InputStream library = NativeKernels.class.getResourceAsStream(resource)) {
      if (library == null) {
        return new Outcome(null, "this build carries none for " + machine);
      }
      Path folder = Files.createTempDirectory("sluice-kernels");
      Path file = folder.resolve("library");
      try {
        Files.copy(library, file);
        return link(file);
      } finally {
        Files.deleteIfExists(file);
        Files.deleteIfExists(folder);
      }
    } catch (IOException | IllegalArgumentException | LinkageError e) {
      return new Outcome(null, "their library cannot be loaded: " + e.getMessage());
    }
  }

  @SuppressWarnings("restricted") // The project's own library.
  private static Outcome link(Path library) {
    SymbolLookup symbols = SymbolLookup.libraryLookup(library, Arena.global());
    Linker linker = Linker.nativeLinker();
    MethodHandle asked =
        linker.downcallHandle(symbols.findOrThrow("sluice_level"), FunctionDescriptor.of(JAVA_INT));
    int level = ask(asked);
    if (level < 1 || level >= LEVELS.length) {
      return new Outcome(null, "this machine has none of the instructions that they use");
    }
    MethodHandle quantize = linker.downcallHandle(symbols.findOrThrow("sluice_quantize"), QUANTIZE);
    MethodHandle multiply = linker.downcallHandle(symbols.findOrThrow("sluice_multiply"), MULTIPLY);
    return new Outcome(new NativeKernels(quantize, multiply, level), "");
  }

  private static int ask(MethodHandle handle) {
    try {
      return (int) handle.invokeExact();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** The machine as folders name it: {@code linux-amd64}. */
  private static String machine() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    return (system.startsWith("mac") ? "mac" : system.split(" ", 2)[0])
        + "-"
        + System.getProperty("os.arch");
  }

  @Override
  public String name() {
    return "native, " + LEVELS[level];
  }

  @Override
  public void quantize(QuantizedRows rows, int token, long x) {
    try {
      quantize.invokeExact(
          level,
          x,
          (long) rows.blocks(),
          rows.zeroPoint(),
          rows.quants(token),
          rows.scales(token),
          rows.biases(token));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void multiply(
      PackedFormat format,
      long panels,
      int count,
      int lastRows,
      QuantizedRows rows,
      long y,
      long yStride) {
    try {
      multiply.invokeExact(
          level,
          format == PackedFormat.NIBBLES ? 1 : 0,
          panels,
          (long) count,
          (long) rows.blocks(),
          lastRows,
          rows.quants(0),
          rows.scales(0),
          rows.biases(0),
          (long) rows.blocks(),
          (long) rows.tokens(),
          y,
          yStride);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
