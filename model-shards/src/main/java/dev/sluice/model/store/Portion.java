package dev.sluice.model.store;

import dev.sluice.model.shard.LayerRange;

/** How much of a model is wanted. */
public sealed interface Portion {
  /** The headers alone: metadata with the tokenizer, and what tensors there are. */
  static Portion header() {
    return new Header();
  }

  /** The headers and what a shard with these layers needs. */
  static Portion layers(LayerRange range) {
    return new Layers(range);
  }

  /** Every byte. */
  static Portion whole() {
    return new Whole();
  }

  /** See {@link #header()}. */
  record Header() implements Portion {
    @Override
    public String toString() {
      return "the header";
    }
  }

  /** See {@link #layers(LayerRange)}. */
  record Layers(LayerRange range) implements Portion {
    @Override
    public String toString() {
      return "layers " + range;
    }
  }

  /** See {@link #whole()}. */
  record Whole() implements Portion {
    @Override
    public String toString() {
      return "all of it";
    }
  }
}
