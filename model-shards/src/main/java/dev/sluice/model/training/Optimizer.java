package dev.sluice.model.training;

import dev.sluice.model.kernel.Gradients;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * AdamW (Loshchilov and Hutter, 2019), after the gradient as a whole was cut to a length (Pascanu
 * et al., 2013). Norms are not decayed.
 */
final class Optimizer {
  /** Elements that one thread works on at a time; sums of squares are formed over as many. */
  private static final int CHUNK = 1 << 14;

  private final Compute compute;
  private final TrainingOptions options;
  private final List<State> states = new ArrayList<>();
  private final List<Chunk> chunks = new ArrayList<>();
  private final double[] squares;

  /** Moments of a tensor. */
  record State(Parameter parameter, MemorySegment first, MemorySegment second) {}

  private record Chunk(State state, long from, int count) {}

  Optimizer(Compute compute, TrainingOptions options, List<Parameter> parameters) {
    this.compute = compute;
    this.options = options;
    for (Parameter parameter : parameters) {
      if (parameter.learns()) {
        long size = parameter.size();
        State state = new State(parameter, compute.allocate(size), compute.allocate(size));
        states.add(state);
        for (long from = 0; from < size; from += CHUNK) {
          chunks.add(new Chunk(state, from, (int) Math.min(CHUNK, size - from)));
        }
      }
    }
    squares = new double[chunks.size()];
  }

  List<State> states() {
    return states;
  }

  /** Forgets gradients. */
  void clear() {
    compute
        .pool()
        .parallel(states.size(), (i, _) -> states.get(i).parameter.gradient().fill((byte) 0));
  }

  /**
   * Changes the weights.
   *
   * @param step from 1
   * @return the norm of the gradient as it came
   */
  double step(long step) {
    compute
        .pool()
        .parallel(
            chunks.size(),
            (i, _) -> {
              Chunk chunk = chunks.get(i);
              MemorySegment gradient = chunk.state.parameter.gradient();
              squares[i] = Gradients.sumOfSquares(gradient, chunk.from, chunk.count);
            });
    double sum = 0;
    for (double square : squares) {
      sum += square;
    }
    double norm = Math.sqrt(sum);
    if (!Double.isFinite(norm)) {
      return norm;
    }
    double scale = options.clip() > 0 && norm > options.clip() ? options.clip() / norm : 1;
    double learningRate = options.learningRate(step);
    double rate = learningRate / (1 - StrictMath.pow(options.beta1(), (double) step));
    double correction = 1 / (1 - StrictMath.pow(options.beta2(), (double) step));
    compute
        .pool()
        .parallel(
            chunks.size(),
            (i, _) -> {
              Chunk chunk = chunks.get(i);
              State state = chunk.state;
              double decay = state.parameter.decays() ? options.weightDecay() : 0;
              Gradients.adamW(
                  state.parameter.value(),
                  state.parameter.gradient(),
                  state.first,
                  state.second,
                  chunk.from,
                  chunk.count,
                  (float) scale,
                  (float) options.beta1(),
                  (float) options.beta2(),
                  (float) rate,
                  (float) correction,
                  (float) options.epsilon(),
                  (float) (1 - learningRate * decay));
            });
    return norm;
  }
}
