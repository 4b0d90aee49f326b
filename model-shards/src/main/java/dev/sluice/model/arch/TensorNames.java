package dev.sluice.model.arch;

/** The names that the GGUF conventions give to tensors. */
final class TensorNames {
  static final String TOKEN_EMBEDDING = "token_embd.weight";
  static final String POSITION_EMBEDDING = "position_embd.weight";
  static final String OUTPUT_NORM = "output_norm";
  static final String OUTPUT = "output";
  static final String ROPE_FREQUENCIES = "rope_freqs.weight";
  static final String ROPE_FACTORS_LONG = "rope_factors_long.weight";
  static final String ROPE_FACTORS_SHORT = "rope_factors_short.weight";

  static final String ATTENTION_NORM = "attn_norm";
  static final String QUERY = "attn_q";
  static final String KEY = "attn_k";
  static final String VALUE = "attn_v";
  static final String FUSED_QKV = "attn_qkv";
  static final String QUERY_NORM = "attn_q_norm";
  static final String KEY_NORM = "attn_k_norm";
  static final String ATTENTION_OUTPUT = "attn_output";
  static final String POST_ATTENTION_NORM = "post_attention_norm";
  static final String FEED_FORWARD_NORM = "ffn_norm";
  static final String GATE = "ffn_gate";
  static final String UP = "ffn_up";
  static final String DOWN = "ffn_down";
  static final String POST_FEED_FORWARD_NORM = "post_ffw_norm";

  private TensorNames() {}

  static String weight(String part) {
    return part + ".weight";
  }

  static String bias(String part) {
    return part + ".bias";
  }

  static String layer(int layer, String part) {
    return layerPrefix(layer) + part;
  }

  static String layerPrefix(int layer) {
    return "blk." + layer + ".";
  }
}
