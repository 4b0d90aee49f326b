package dev.sluice.model.lora;

import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A low-rank adapter: {@code y = W x + scale * alpha / rank * B (A x)} for some matrices of a
 * model. Immutable, for any thread; it holds all its elements on the heap and no file.
 *
 * <p>Its file is GGUF as llama.cpp writes and reads it: {@code general.type} "adapter", {@code
 * adapter.type} "lora", {@code general.architecture} that of the model, {@code adapter.lora.alpha};
 * for each adapted matrix two tensors with its name and {@code .lora_a} ({@code [inputs, rank]} in
 * GGML's order) or {@code .lora_b} ({@code [rank, outputs]}) behind it. An alpha of 0 stands for
 * the rank, so that what is added is {@code scale * B A}.
 */
public final class LoraAdapter {
  private static final String TYPE_KEY = "general.type";
  private static final String ARCHITECTURE_KEY = "general.architecture";
  private static final String KIND_KEY = "adapter.type";
  private static final String ALPHA_KEY = "adapter.lora.alpha";

  /** Matrices of layers. */
  private static final Pattern RUNNABLE =
      Pattern.compile("blk\\.[0-9]+\\.(attn_(q|k|v|qkv|output)|ffn_(gate|up|down))\\.weight");

  private static final String A = ".lora_a";
  private static final String B = ".lora_b";

  private final Path file;
  private final String architecture;
  private final float alpha;
  private final Map<String, LowRank> pairs;

  private LoraAdapter(Path file, String architecture, float alpha, Map<String, LowRank> pairs) {
    this.file = file;
    this.architecture = architecture;
    this.alpha = alpha;
    this.pairs = pairs;
  }

  /**
   * Reads an adapter's file.
   *
   * @throws ModelFileException if it cannot be read, is no LoRA adapter, or holds a tensor that has
   *     no partner, no partner that fits, or an element that is not finite
   */
  public static LoraAdapter read(Path file) {
    try (GgufFile gguf = GgufFile.open(file)) {
      GgufMetadata metadata = gguf.metadata();
      check(file, metadata, TYPE_KEY, "adapter");
      check(file, metadata, KIND_KEY, "lora");
      double alpha = metadata.findReal(ALPHA_KEY).orElse(0);
      if (!(alpha >= 0 && alpha <= Float.MAX_VALUE)) {
        throw new ModelFileException(
            file, ALPHA_KEY + " is " + alpha + ", neither 0 nor a positive number");
      }
      Map<String, LowRank> pairs = new LinkedHashMap<>();
      for (GgufTensor tensor : gguf.tensors()) {
        String name = tensor.name();
        if (name.endsWith(A)) {
          String target = name.substring(0, name.length() - A.length());
          pairs.put(target, pair(target, tensor, partner(gguf, tensor, target + B)));
        } else if (name.endsWith(B)) {
          partner(gguf, tensor, name.substring(0, name.length() - B.length()) + A);
        } else {
          throw new ModelFileException(
              file, "tensor " + name + " is neither a " + A + " nor a " + B);
        }
      }
      if (pairs.isEmpty()) {
        throw new ModelFileException(file, "the adapter holds no tensor: it adapts nothing");
      }
      return new LoraAdapter(file, metadata.string(ARCHITECTURE_KEY), (float) alpha, pairs);
    }
  }

  private static void check(Path file, GgufMetadata metadata, String key, String expected) {
    String value = metadata.findString(key).orElse("");
    if (!value.equals(expected)) {
      throw new ModelFileException(
          file,
          "is no LoRA adapter: "
              + key
              + (value.isEmpty() ? " is missing" : " is '" + value + "'")
              + ", expected '"
              + expected
              + "'");
    }
  }

  private static GgufTensor partner(GgufFile gguf, GgufTensor tensor, String name) {
    return gguf.find(name)
        .orElseThrow(
            () ->
                new ModelFileException(
                    tensor.file(),
                    tensor.offset(),
                    "tensor " + tensor.name() + " has no partner " + name));
  }

  private static LowRank pair(String target, GgufTensor a, GgufTensor b) {
    long rank = a.rows();
    boolean flat = a.dimensions().length <= 2 && b.dimensions().length <= 2;
    if (!flat || b.columns() != rank) {
      throw new ModelFileException(
          b.file(),
          b.offset(),
          "tensor "
              + b.name()
              + " has shape "
              + Arrays.toString(b.dimensions())
              + ", expected ["
              + rank
              + ", outputs], since "
              + a.name()
              + " has "
              + Arrays.toString(a.dimensions())
              + ", which is [inputs, rank]");
    }
    return new LowRank(
        target,
        Math.toIntExact(a.columns()),
        Math.toIntExact(b.rows()),
        Math.toIntExact(rank),
        elements(a),
        elements(b));
  }

  private static float[] elements(GgufTensor tensor) {
    if (tensor.elements() > Integer.MAX_VALUE - 8) {
      throw new ModelFileException(
          tensor.file(), "tensor " + tensor.name() + " has " + tensor.elements() + " elements");
    }
    float[] values = new float[(int) tensor.elements()];
    Dequantizer.dequantize(tensor.type(), tensor.data(), 0, values, 0, values.length);
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new ModelFileException(
            tensor.file(),
            tensor.offset(),
            "tensor " + tensor.name() + " holds " + values[i] + " as element " + i);
      }
    }
    return values;
  }

  /**
   * What writes an adapter's file, in F32. {@link #read} gives the same adapter back.
   *
   * @param architecture {@code general.architecture} of the model
   * @param alpha weight of the adaptation: {@code alpha / rank * B A} is added
   */
  public static GgufWriter writer(String architecture, float alpha, Collection<LowRank> pairs) {
    GgufWriter writer =
        new GgufWriter()
            .string(TYPE_KEY, "adapter")
            .string(ARCHITECTURE_KEY, architecture)
            .string(KIND_KEY, "lora")
            .float32(ALPHA_KEY, alpha);
    for (LowRank pair : pairs) {
      writer.tensor(pair.target() + A, pair.a(), pair.inputs(), pair.rank());
      writer.tensor(pair.target() + B, pair.b(), pair.rank(), pair.outputs());
    }
    return writer;
  }

  /**
   * An adapter from its parts.
   *
   * @param file where they come from, for messages
   */
  public static LoraAdapter of(
      Path file, String architecture, float alpha, Collection<LowRank> pairs) {
    Map<String, LowRank> byTarget = new LinkedHashMap<>();
    pairs.forEach(pair -> byTarget.put(pair.target(), pair));
    return new LoraAdapter(file, architecture, alpha, byTarget);
  }

  /** The file it was read from. */
  public Path file() {
    return file;
  }

  /** What it adapts, in the order of the file. */
  public Collection<LowRank> pairs() {
    return Collections.unmodifiableCollection(pairs.values());
  }

  /** What it adds to the matrix of that name, if anything. */
  public Optional<LowRank> find(String target) {
    return Optional.ofNullable(pairs.get(target));
  }

  /** The factor of {@code B A} before the user's own: {@code alpha / rank}. */
  public float factor(LowRank pair) {
    return alpha == 0 ? 1 : alpha / pair.rank();
  }

  /**
   * Refuses a model that the adapter was not made for.
   *
   * @throws ModelFileException if the architectures differ, or a matrix that the adapter adapts is
   *     missing in the model or has another shape
   */
  public void check(GgufFile model) {
    String other = model.metadata().string(ARCHITECTURE_KEY);
    if (!other.equals(architecture)) {
      throw new ModelFileException(
          file,
          "adapts a model of architecture '"
              + architecture
              + "', "
              + model.path()
              + " is of '"
              + other
              + "'");
    }
    for (LowRank pair : pairs.values()) {
      long[] expected = {pair.inputs(), pair.outputs()};
      GgufTensor tensor = model.find(pair.target()).orElse(null);
      long[] found = shape(tensor);
      if (!Arrays.equals(found, expected)) {
        throw new ModelFileException(
            file,
            "adapts the tensor "
                + pair.target()
                + " of shape "
                + Arrays.toString(expected)
                + ", in "
                + model.path()
                + " it "
                + (tensor == null ? "is missing" : "has shape " + Arrays.toString(found)));
      }
    }
  }

  /**
   * Refuses a model that the adapter cannot run beside: as {@link #check}, and all that it adapts
   * must be matrices of layers. Others can be merged.
   *
   * @throws ModelFileException naming what does not fit
   */
  public void checkRunnable(GgufFile model) {
    check(model);
    for (String target : pairs.keySet()) {
      if (!RUNNABLE.matcher(target).matches()) {
        throw new ModelFileException(
            file,
            "adapts the tensor "
                + target
                + ", which works only merged: sluice quantize --lora merges it");
      }
    }
  }

  private static long[] shape(@Nullable GgufTensor tensor) {
    return tensor == null ? new long[0] : tensor.dimensions();
  }

  /**
   * Adds {@code scale * factor * B A} to some elements of a matrix, summed in double precision and
   * rounded once.
   *
   * @param pair what is added, from {@link #find}
   * @param firstElement which element of the matrix {@code values[0]} is, counted row by row
   * @param values elements of the matrix, changed
   * @param count how many of {@code values} count
   */
  public void merge(LowRank pair, float scale, long firstElement, float[] values, int count) {
    double factor = (double) scale * factor(pair);
    int inputs = pair.inputs();
    double[] sums = new double[Math.min(inputs, count)];
    for (int at = 0; at < count; ) {
      int row = Math.toIntExact((firstElement + at) / inputs);
      int column = (int) ((firstElement + at) % inputs);
      int length = Math.min(inputs - column, count - at);
      Arrays.fill(sums, 0, length, 0);
      for (int k = 0; k < pair.rank(); k++) {
        double weight = factor * pair.b()[row * pair.rank() + k];
        int from = k * inputs + column;
        for (int i = 0; i < length; i++) {
          sums[i] += weight * pair.a()[from + i];
        }
      }
      for (int i = 0; i < length; i++) {
        values[at + i] = (float) (values[at + i] + sums[i]);
      }
      at += length;
    }
  }
}
