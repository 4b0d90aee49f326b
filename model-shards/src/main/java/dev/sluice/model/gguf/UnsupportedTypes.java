package dev.sluice.model.gguf;

/** Names of the GGML types that exist but are not supported, so that messages can say them. */
final class UnsupportedTypes {
  private UnsupportedTypes() {}

  /** The type's number and, where it is known, its name. */
  static String name(int id) {
    String name =
        switch (id) {
          case 4 -> "Q4_2, withdrawn";
          case 5 -> "Q4_3, withdrawn";
          case 9 -> "Q8_1";
          case 15 -> "Q8_K";
          case 16 -> "IQ2_XXS";
          case 17 -> "IQ2_XS";
          case 18 -> "IQ3_XXS";
          case 19 -> "IQ1_S";
          case 21 -> "IQ3_S";
          case 22 -> "IQ2_S";
          case 24 -> "I8";
          case 25 -> "I16";
          case 26 -> "I32";
          case 27 -> "I64";
          case 28 -> "F64";
          case 29 -> "IQ1_M";
          case 31, 32, 33 -> "Q4_0 repacked, withdrawn";
          case 34 -> "TQ1_0";
          case 35 -> "TQ2_0";
          case 36, 37, 38 -> "IQ4_NL repacked, withdrawn";
          case 39 -> "MXFP4";
          default -> "unknown";
        };
    return Integer.toUnsignedString(id) + " (" + name + ")";
  }
}
