package dev.sluice.model.arch;

import java.util.Arrays;
import java.util.Optional;

/**
 * The architectures that are known, each as one line of traits: what all models of the architecture
 * have in common. Names and traits follow the GGUF conventions.
 */
public enum Architecture {
  /** Llama, Mistral and their kin. */
  LLAMA("llama", NormKind.RMS, RopeStyle.NORM, Activation.SILU, true, false, false, 1),
  /** Qwen 2 and 2.5: biases on query, key and value. */
  QWEN2("qwen2", NormKind.RMS, RopeStyle.NEOX, Activation.SILU, true, false, false, 0),
  /** Qwen 3: norms on the heads of query and key. */
  QWEN3("qwen3", NormKind.RMS, RopeStyle.NEOX, Activation.SILU, true, false, false, 0),
  /** Gemma 2: soft-capping, norms around each part, every second layer with a window. */
  GEMMA2("gemma2", NormKind.RMS, RopeStyle.NEOX, Activation.GELU_TANH, true, false, true, 2),
  /** Gemma 3: head norms, norms around each part, five layers of six with a window. */
  GEMMA3("gemma3", NormKind.RMS, RopeStyle.NEOX, Activation.GELU_TANH, true, false, true, 6),
  /** Phi 3: query, key and value fused, gate and up fused. */
  PHI3("phi3", NormKind.RMS, RopeStyle.NEOX, Activation.SILU, true, true, false, 1),
  /** GPT-2: learned positions, LayerNorm with bias, biases everywhere, no gate. */
  GPT2("gpt2", NormKind.LAYER, RopeStyle.NEOX, Activation.GELU_TANH, false, true, false, 0);

  private final String key;
  private final NormKind norm;
  private final RopeStyle ropeStyle;
  private final Activation activation;
  private final boolean gated;
  private final boolean fused;
  private final boolean gemma;
  private final int slidingPattern;

  Architecture(
      String key,
      NormKind norm,
      RopeStyle ropeStyle,
      Activation activation,
      boolean gated,
      boolean fused,
      boolean gemma,
      int slidingPattern) {
    this.key = key;
    this.norm = norm;
    this.ropeStyle = ropeStyle;
    this.activation = activation;
    this.gated = gated;
    this.fused = fused;
    this.gemma = gemma;
    this.slidingPattern = slidingPattern;
  }

  /** The architecture that {@code general.architecture} names. */
  public static Optional<Architecture> of(String key) {
    return Arrays.stream(values()).filter(a -> a.key.equals(key)).findFirst();
  }

  /** The value of {@code general.architecture}, which is also the prefix of its metadata keys. */
  public String key() {
    return key;
  }

  /** How activations are normalized. */
  public NormKind norm() {
    return norm;
  }

  /** How rotary pairs are formed. */
  public RopeStyle ropeStyle() {
    return ropeStyle;
  }

  /** The feed-forward's non-linearity. */
  public Activation activation() {
    return activation;
  }

  /**
   * Whether the feed-forward is {@code down(act(gate(x)) * up(x))} and not {@code down(act(up))}.
   */
  public boolean gated() {
    return gated;
  }

  /** Whether query, key and value are rows of one tensor {@code attn_qkv}, in this order. */
  public boolean fusedQkv() {
    return fused;
  }

  /** Whether gate and up are rows of one tensor {@code ffn_up}, gate first. */
  public boolean fusedGateUp() {
    return fused && gated;
  }

  /** Whether the results of attention and feed-forward are normalized before they are added. */
  public boolean postNorms() {
    return gemma;
  }

  /** Whether embeddings are multiplied by the square root of their length. */
  public boolean embeddingScaled() {
    return gemma;
  }

  /** Whether the heads of query and key are normalized before they are turned. */
  public boolean headNorms() {
    return this == QWEN3 || this == GEMMA3;
  }

  /**
   * Whether query, key and value have biases in every model, and not only where a file has them.
   */
  public boolean qkvBiases() {
    return this == QWEN2 || this == GPT2;
  }

  /**
   * Which layers slide where the file gives a window but no pattern, as {@link
   * ModelSpec#slidingPattern}; 0: the architecture knows no window.
   */
  public int slidingPattern() {
    return slidingPattern;
  }
}
