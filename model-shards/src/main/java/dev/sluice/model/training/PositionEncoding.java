package dev.sluice.model.training;

/** How positions enter a model that is trained. */
public enum PositionEncoding {
  /** Adjacent elements of queries and keys turn by their position (Su et al., 2021). */
  ROPE,
  /** Sine waves are added to the embeddings (Vaswani et al., 2017, section 3.5). */
  SINUSOIDAL
}
