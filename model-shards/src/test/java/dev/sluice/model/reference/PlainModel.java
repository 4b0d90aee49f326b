package dev.sluice.model.reference;

import dev.sluice.model.gguf.Dequantizer;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.GgufTensor;
import java.util.HashMap;
import java.util.Map;

/**
 * The oracle's oracle: logits in plain Java doubles, loops over scalars, no cache, no batch, no
 * library, nothing of the engine and nothing of the reference. It reads the file's metadata itself,
 * too. Slow, for tiny models.
 */
final class PlainModel {
  private final GgufFile file;
  private final GgufMetadata metadata;
  private final String architecture;
  private final int width;
  private final int layers;
  private final int heads;
  private final int kvHeads;
  private final int headLength;
  private final double epsilon;
  private final Map<String, double[][]> matrices = new HashMap<>();

  PlainModel(GgufFile file) {
    this.file = file;
    metadata = file.metadata();
    architecture = metadata.string("general.architecture");
    width = integer("embedding_length");
    layers = integer("block_count");
    heads = integer("attention.head_count");
    kvHeads = integer("attention.head_count_kv");
    headLength = isGpt2() ? width / heads : integer("attention.key_length");
    epsilon =
        metadata.real(
            key(isGpt2() ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"));
  }

  /** Logits after every token. */
  double[][] logits(int... tokens) {
    double[][] x = new double[tokens.length][];
    double[][] embedding = matrix("token_embd.weight");
    for (int p = 0; p < tokens.length; p++) {
      x[p] = embedding[tokens[p]].clone();
      for (int i = 0; i < width; i++) {
        if (isGemma()) {
          x[p][i] *= Math.sqrt(width);
        }
        if (isGpt2()) {
          x[p][i] += matrix("position_embd.weight")[p][i];
        }
        if (isSinusoidal()) {
          double angle = p / Math.pow(10000, 2 * (i / 2) / (double) width);
          x[p][i] += i % 2 == 0 ? Math.sin(angle) : Math.cos(angle);
        }
      }
    }
    for (int layer = 0; layer < layers; layer++) {
      layer(layer, x);
    }
    double cap = architecture.equals("gemma2") ? metadata.real(key("final_logit_softcapping")) : 0;
    String head = file.find("output.weight").isPresent() ? "output" : "token_embd";
    double[][] logits = new double[tokens.length][];
    for (int p = 0; p < tokens.length; p++) {
      logits[p] = linear(head, norm("output_norm", x[p]));
      for (int i = 0; cap > 0 && i < logits[p].length; i++) {
        logits[p][i] = cap * Math.tanh(logits[p][i] / cap);
      }
    }
    return logits;
  }

  private void layer(int layer, double[][] x) {
    String b = "blk." + layer + ".";
    int n = x.length;
    double[][][] q = new double[n][][];
    double[][][] k = new double[n][][];
    double[][][] v = new double[n][][];
    for (int p = 0; p < n; p++) {
      double[] h = norm(b + "attn_norm", x[p]);
      if (isGpt2() || isPhi3()) {
        double[] qkv = linear(b + "attn_qkv", h);
        q[p] = split(qkv, 0, heads);
        k[p] = split(qkv, heads * headLength, kvHeads);
        v[p] = split(qkv, (heads + kvHeads) * headLength, kvHeads);
      } else {
        q[p] = split(linear(b + "attn_q", h), 0, heads);
        k[p] = split(linear(b + "attn_k", h), 0, kvHeads);
        v[p] = split(linear(b + "attn_v", h), 0, kvHeads);
      }
      for (int i = 0; i < heads; i++) {
        q[p][i] = rotated(headNormed(b + "attn_q_norm", q[p][i]), p, layer);
      }
      for (int i = 0; i < kvHeads; i++) {
        k[p][i] = rotated(headNormed(b + "attn_k_norm", k[p][i]), p, layer);
      }
    }
    for (int p = 0; p < n; p++) {
      double[] attended = new double[heads * headLength];
      for (int i = 0; i < heads; i++) {
        attend(q[p][i], k, v, i * kvHeads / heads, p, layer, attended, i * headLength);
      }
      double[] out = linear(b + "attn_output", attended);
      add(x[p], isGemma() ? norm(b + "post_attention_norm", out) : out);
    }
    for (int p = 0; p < n; p++) {
      double[] out = feedForward(b, norm(b + "ffn_norm", x[p]));
      add(x[p], isGemma() ? norm(b + "post_ffw_norm", out) : out);
    }
  }

  private void attend(
      double[] q, double[][][] k, double[][][] v, int kv, int p, int layer, double[] out, int at) {
    double cap = architecture.equals("gemma2") ? metadata.real(key("attn_logit_softcapping")) : 0;
    double[] weight = new double[p + 1];
    double sum = 0;
    for (int s = 0; s <= p; s++) {
      if (slides(layer) && p - s >= integer("attention.sliding_window")) {
        continue;
      }
      double score = 0;
      for (int i = 0; i < headLength; i++) {
        score += q[i] * k[s][kv][i];
      }
      score /= Math.sqrt(headLength);
      if (cap > 0) {
        score = cap * Math.tanh(score / cap);
      }
      weight[s] = Math.exp(score);
      sum += weight[s];
    }
    for (int s = 0; s <= p; s++) {
      for (int i = 0; i < headLength; i++) {
        out[at + i] += weight[s] / sum * v[s][kv][i];
      }
    }
  }

  private double[] feedForward(String b, double[] h) {
    double[] up = linear(b + "ffn_up", h);
    int hidden = integer("feed_forward_length");
    double[] inner = new double[hidden];
    boolean plain = isGpt2() || isPlainGelu();
    double[] gate = plain || isPhi3() ? up : linear(b + "ffn_gate", h);
    for (int i = 0; i < hidden; i++) {
      double g = gate[i];
      double activated =
          isGemma() || plain
              ? 0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g)))
              : g / (1 + Math.exp(-g));
      inner[i] = plain ? activated : activated * (isPhi3() ? up[hidden + i] : up[i]);
    }
    return linear(b + "ffn_down", inner);
  }

  private boolean slides(int layer) {
    return switch (architecture) {
      case "gemma2" -> layer % 2 == 0;
      case "gemma3" -> layer % 6 != 5;
      default -> metadata.has(key("attention.sliding_window"));
    };
  }

  private double[] rotated(double[] x, int p, int layer) {
    if (isGpt2() || isSinusoidal()) {
      return x;
    }
    double[] y = x.clone();
    int d = integer("rope.dimension_count");
    boolean local = architecture.equals("gemma3") && slides(layer);
    double base = local ? 10000 : metadata.real(key("rope.freq_base"));
    double magnitude = 1;
    String scaling = metadata.findString(key("rope.scaling.type")).orElse("none");
    boolean isLongRope = file.find("rope_factors_long.weight").isPresent();
    for (int i = 0; i < d / 2; i++) {
      double theta = 1 / Math.pow(base, 2.0 * i / d);
      if (file.find("rope_freqs.weight").isPresent()) {
        theta /= vector("rope_freqs.weight")[i];
      }
      if (isLongRope) {
        boolean isLong =
            integer("context_length") > integer("rope.scaling.original_context_length");
        theta /= vector(isLong ? "rope_factors_long.weight" : "rope_factors_short.weight")[i];
        magnitude = metadata.real(key("rope.scaling.attn_factor"));
      } else if (scaling.equals("linear") && !local) {
        theta /= metadata.real(key("rope.scaling.factor"));
      } else if (scaling.equals("yarn")) {
        double factor = metadata.real(key("rope.scaling.factor"));
        double context = integer("rope.scaling.original_context_length");
        double low = d * Math.log(context / (32 * 2 * Math.PI)) / (2 * Math.log(base));
        double high = d * Math.log(context / (1 * 2 * Math.PI)) / (2 * Math.log(base));
        low = Math.max(Math.floor(low), 0);
        high = Math.min(Math.ceil(high), d - 1);
        double interpolated = Math.min(1, Math.max(0, (i - low) / Math.max(0.001, high - low)));
        theta = theta / factor * interpolated + theta * (1 - interpolated);
        magnitude = 0.1 * Math.log(factor) + 1;
      }
      boolean neighbours = architecture.equals("llama") || architecture.equals("sluice");
      int a = neighbours ? 2 * i : i;
      int b = neighbours ? 2 * i + 1 : i + d / 2;
      double cos = magnitude * Math.cos(p * theta);
      double sin = magnitude * Math.sin(p * theta);
      y[a] = x[a] * cos - x[b] * sin;
      y[b] = x[a] * sin + x[b] * cos;
    }
    return y;
  }

  private double[] headNormed(String name, double[] x) {
    return file.find(name + ".weight").isPresent() ? norm(name, x) : x;
  }

  private double[] norm(String name, double[] x) {
    double mean = 0;
    if (isGpt2()) {
      for (double value : x) {
        mean += value / x.length;
      }
    }
    double variance = 0;
    for (double value : x) {
      variance += (value - mean) * (value - mean) / x.length;
    }
    double[] weight = vector(name + ".weight");
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = (x[i] - mean) / Math.sqrt(variance + epsilon) * weight[i];
    }
    if (isGpt2()) {
      add(y, vector(name + ".bias"));
    }
    return y;
  }

  private double[] linear(String name, double[] x) {
    double[][] weights = matrix(name + ".weight");
    double[] y = new double[weights.length];
    for (int r = 0; r < y.length; r++) {
      for (int i = 0; i < x.length; i++) {
        y[r] += weights[r][i] * x[i];
      }
    }
    if (file.find(name + ".bias").isPresent()) {
      add(y, vector(name + ".bias"));
    }
    return y;
  }

  private static void add(double[] x, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += y[i];
    }
  }

  private double[][] split(double[] x, int first, int count) {
    double[][] parts = new double[count][headLength];
    for (int i = 0; i < count; i++) {
      System.arraycopy(x, first + i * headLength, parts[i], 0, headLength);
    }
    return parts;
  }

  private double[] vector(String name) {
    return matrix(name)[0];
  }

  private double[][] matrix(String name) {
    return matrices.computeIfAbsent(name, this::dequantized);
  }

  private double[][] dequantized(String name) {
    GgufTensor t = file.tensor(name);
    float[] row = new float[(int) t.columns()];
    double[][] rows = new double[(int) t.rows()][row.length];
    for (int r = 0; r < rows.length; r++) {
      Dequantizer.dequantize(t.type(), t.data(), r * t.columns(), row, 0, row.length);
      for (int i = 0; i < row.length; i++) {
        rows[r][i] = row[i];
      }
    }
    return rows;
  }

  private boolean isGpt2() {
    return architecture.equals("gpt2");
  }

  private boolean isPhi3() {
    return architecture.equals("phi3");
  }

  private boolean isGemma() {
    return architecture.startsWith("gemma");
  }

  private boolean isPlainGelu() {
    return metadata.findString("sluice.feed_forward").orElse("").equals("gelu");
  }

  private boolean isSinusoidal() {
    return metadata.findString("sluice.position_encoding").orElse("").equals("sinusoidal");
  }

  private int integer(String name) {
    return (int) metadata.integer(key(name));
  }

  private String key(String name) {
    return architecture + "." + name;
  }
}
