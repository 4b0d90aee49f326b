package dev.sluice.model.kernel;

/** Which kernels multiply packed weights. All give the same bits. */
public enum KernelChoice {
  /**
   * Native ones where this build carries them and the machine has the instructions, else Java's.
   */
  AUTO,
  /** Those in Java. */
  JAVA,
  /** Native ones or none. */
  NATIVE;

  /**
   * What it stands for here.
   *
   * @throws IllegalStateException for {@link #NATIVE} where there are none, saying why
   */
  KernelProvider provider() {
    return switch (this) {
      case JAVA -> JavaKernels.INSTANCE;
      case AUTO -> NativeKernels.isAvailable() ? NativeKernels.instance() : JavaKernels.INSTANCE;
      case NATIVE -> NativeKernels.instance();
    };
  }

  /**
   * What it stands for here, for people: {@code native, avx512-vnni}.
   *
   * @throws IllegalStateException for {@link #NATIVE} where there are none, saying why
   */
  public String describe() {
    return provider().name();
  }

  /** Why there are no native kernels; empty where there are. */
  public static String nativeTrouble() {
    return NativeKernels.trouble();
  }
}
