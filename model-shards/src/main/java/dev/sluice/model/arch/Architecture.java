package dev.sluice.model.arch;

import static dev.sluice.model.arch.Architecture.Trait.FUSED_GATE_UP;
import static dev.sluice.model.arch.Architecture.Trait.FUSED_QKV;
import static dev.sluice.model.arch.Architecture.Trait.GATED;
import static dev.sluice.model.arch.Architecture.Trait.HEAD_NORMS;
import static dev.sluice.model.arch.Architecture.Trait.POST_NORMS;
import static dev.sluice.model.arch.Architecture.Trait.QKV_BIASES;
import static dev.sluice.model.arch.Architecture.Trait.SCALED_EMBEDDING;

import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/**
 * The architectures that are known, each as one line: norm, rotary pairs, non-linearity, which
 * layers slide where a file gives a window without a pattern, and traits. Names and traits follow
 * the GGUF conventions. What differs between models of one architecture is in {@link ModelSpec}.
 */
public enum Architecture {
  /** Llama, Mistral and their kin. */
  LLAMA("llama", NormKind.RMS, RopeStyle.NORM, Activation.SILU, 1, GATED),
  /** Qwen 2 and 2.5. */
  QWEN2("qwen2", NormKind.RMS, RopeStyle.NEOX, Activation.SILU, 0, GATED, QKV_BIASES),
  /** Qwen 3. */
  QWEN3("qwen3", NormKind.RMS, RopeStyle.NEOX, Activation.SILU, 0, GATED, HEAD_NORMS),
  /** Gemma 2: with soft-capping, and a window in every second layer. */
  GEMMA2(
      "gemma2",
      NormKind.RMS,
      RopeStyle.NEOX,
      Activation.GELU_TANH,
      2,
      GATED,
      POST_NORMS,
      SCALED_EMBEDDING),
  /** Gemma 3: with a window in five layers of six. */
  GEMMA3(
      "gemma3",
      NormKind.RMS,
      RopeStyle.NEOX,
      Activation.GELU_TANH,
      6,
      GATED,
      POST_NORMS,
      SCALED_EMBEDDING,
      HEAD_NORMS),
  /** Phi 3 and 4. */
  PHI3("phi3", NormKind.RMS, RopeStyle.NEOX, Activation.SILU, 1, GATED, FUSED_QKV, FUSED_GATE_UP),
  /** GPT-2: learned positions, LayerNorm, biases everywhere. */
  GPT2("gpt2", NormKind.LAYER, RopeStyle.NEOX, Activation.GELU_TANH, 0, FUSED_QKV, QKV_BIASES),
  /**
   * This project's own, for what llama cannot say. As llama, but two keys choose: {@code
   * sluice.position_encoding} "rope" (also where missing) or "sinusoidal", {@code
   * sluice.feed_forward} "swiglu" (likewise) or "gelu", which is without a gate.
   */
  SLUICE("sluice", NormKind.RMS, RopeStyle.NORM, Activation.SILU, 0, GATED);

  /** What an architecture may have beside the common parts. */
  enum Trait {
    /** The feed-forward is {@code down(act(gate(x)) * up(x))} and not {@code down(act(up(x)))}. */
    GATED,
    /** Query, key and value are rows of one tensor {@code attn_qkv}, in this order. */
    FUSED_QKV,
    /** Gate and up are rows of one tensor {@code ffn_up}, gate first. */
    FUSED_GATE_UP,
    /** Query, key and value have biases in every model, and not only where a file has them. */
    QKV_BIASES,
    /** The heads of query and key are normalized before they are turned. */
    HEAD_NORMS,
    /** The results of attention and feed-forward are normalized before they are added. */
    POST_NORMS,
    /** Embeddings are multiplied by the square root of their length. */
    SCALED_EMBEDDING
  }

  private final String key;
  private final NormKind norm;
  private final RopeStyle ropeStyle;
  private final Activation activation;
  private final int slidingPattern;

  @SuppressWarnings("ImmutableEnumChecker") // Set.of makes sets that cannot be changed.
  private final Set<Trait> traits;

  Architecture(
      String key,
      NormKind norm,
      RopeStyle ropeStyle,
      Activation activation,
      int slidingPattern,
      Trait... traits) {
    this.key = key;
    this.norm = norm;
    this.ropeStyle = ropeStyle;
    this.activation = activation;
    this.slidingPattern = slidingPattern;
    this.traits = Set.of(traits);
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

  /** The feed-forward's non-linearity, unless the file chooses another. */
  public Activation activation() {
    return activation;
  }

  /**
   * Whether the feed-forward is {@code down(act(gate(x)) * up(x))} and not {@code
   * down(act(up(x)))}, unless the file chooses.
   */
  public boolean gated() {
    return traits.contains(GATED);
  }

  /** Whether query, key and value are rows of one tensor {@code attn_qkv}, in this order. */
  public boolean fusedQkv() {
    return traits.contains(FUSED_QKV);
  }

  /** Whether gate and up are rows of one tensor {@code ffn_up}, gate first. */
  public boolean fusedGateUp() {
    return traits.contains(FUSED_GATE_UP);
  }

  /** Whether the results of attention and feed-forward are normalized before they are added. */
  public boolean postNorms() {
    return traits.contains(POST_NORMS);
  }

  /** Whether embeddings are multiplied by the square root of their length. */
  public boolean embeddingScaled() {
    return traits.contains(SCALED_EMBEDDING);
  }

  /** Whether the heads of query and key are normalized before they are turned. */
  public boolean headNorms() {
    return traits.contains(HEAD_NORMS);
  }

  /**
   * Whether query, key and value have biases in every model, and not only where a file has them.
   */
  public boolean qkvBiases() {
    return traits.contains(QKV_BIASES);
  }

  /**
   * Which layers slide where the file gives a window but no pattern, as {@link
   * ModelSpec#slidingPattern}; 0: the architecture knows no window.
   */
  public int slidingPattern() {
    return slidingPattern;
  }
}
