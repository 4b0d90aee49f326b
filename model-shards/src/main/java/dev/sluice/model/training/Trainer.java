package dev.sluice.model.training;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.GgufValueType;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.kernel.WorkerPool;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Trains one model: batches, forward and backward passes, optimizer, validation, early stop, and
 * the state that makes it possible to go on later as if nothing had happened.
 *
 * <p>All memory is taken when a trainer is made, off-heap, and given back by {@link #close}. For
 * one thread.
 */
public final class Trainer implements AutoCloseable {
  private static final String PREFIX = "sluice.training.";

  /** GPT-2's deviation of weights, 0.02, for its width of 768; narrower models get larger ones. */
  private static final double DEVIATION_TIMES_ROOT = 0.02 * 27.712812921102035;

  private final ModelShape shape;
  private final TrainingOptions options;
  private final @Nullable LoraOptions lora;

  /** Of the file that the weights came from; an adapter must name it. */
  private final String architecture;

  private final TokenDataset training;
  private final TokenDataset validation;
  private final MemoryCount memory = new MemoryCount();
  private final WorkerPool pool;
  private final Compute compute;
  private final LanguageModel model;
  private final Optimizer optimizer;
  private final BatchReader reader;
  private final Batch[] batches;
  private long step;
  private double best = Double.POSITIVE_INFINITY;
  private int waited;
  private boolean stopped;

  /**
   * What a step did.
   *
   * @param step its number, from 1
   * @param loss mean natural-log loss of its learnt tokens
   * @param learningRate the rate that it used
   * @param gradientNorm of the whole gradient, before clipping
   * @param tokens how many tokens went through
   * @param validationLoss as {@link #validationLoss}, NaN where it was not due
   * @param stop whether this was the last step: all steps done, or no more gain
   */
  public record Report(
      long step,
      double loss,
      double learningRate,
      double gradientNorm,
      int tokens,
      double validationLoss,
      boolean stop) {}

  private Trainer(
      ModelShape shape,
      String architecture,
      @Nullable LoraOptions lora,
      TrainingOptions options,
      TokenDataset training,
      TokenDataset validation) {
    check(shape, options, training, validation);
    this.shape = shape;
    this.options = options;
    this.architecture = architecture;
    this.lora = lora;
    this.training = training;
    this.validation = validation;
    pool = new WorkerPool(options.threads());
    try {
      compute = new Compute(new SingleNumerics(shape, memory), pool, memory);
      model =
          new LanguageModel(
              compute,
              shape,
              options.batchTokens(),
              options.sequenceLength(),
              options.dropout(),
              Mix.hash(options.seed(), 1),
              lora);
      optimizer = new Optimizer(compute, options, model.parameters());
    } catch (RuntimeException | Error e) {
      pool.close();
      memory.close();
      throw e;
    }
    reader = BatchReader.shuffled(training, options.sequenceLength(), Mix.hash(options.seed(), 2));
    batches = new Batch[options.accumulation()];
    for (int i = 0; i < batches.length; i++) {
      batches[i] = new Batch(options.batchTokens());
    }
  }

  private static void check(
      ModelShape shape, TrainingOptions options, TokenDataset training, TokenDataset validation) {
    if (options.sequenceLength() > shape.context()) {
      throw new IllegalArgumentException(
          "sequences of "
              + options.sequenceLength()
              + " tokens are longer than the model's "
              + shape.context()
              + " positions");
    }
    for (TokenDataset data : List.of(training, validation)) {
      if (data.vocabulary() > shape.vocabulary()) {
        throw new IllegalArgumentException(
            "the text uses a vocabulary of "
                + data.vocabulary()
                + " tokens, the model has "
                + shape.vocabulary());
      }
    }
    if (training.learntTokens() == 0) {
      throw new IllegalArgumentException("there is no text to learn from");
    }
  }

  /**
   * A new model with random weights: normal with deviation 0.02 at a width of 768, and as the root
   * of the width, less in what adds to the residual stream, by the root of twice the layers
   * (Radford et al., 2019).
   *
   * @param validation held-out documents; may be empty
   * @throws IllegalArgumentException if options, shape and data do not fit together
   */
  public static Trainer create(
      ModelShape shape, TrainingOptions options, TokenDataset training, TokenDataset validation) {
    Trainer trainer =
        new Trainer(shape, ModelFiles.architecture(shape), null, options, training, validation);
    trainer.draw(trainer.model.parameters());
    return trainer;
  }

  /**
   * Goes on from a model file, all its weights widened to F32; with {@code lora} only adapters
   * learn.
   *
   * @throws IllegalArgumentException if the model is none that can be trained, or data and options
   *     do not fit it
   * @throws dev.sluice.model.gguf.ModelFileException if the file is damaged
   */
  public static Trainer fineTune(
      GgufFile file,
      @Nullable LoraOptions lora,
      TrainingOptions options,
      TokenDataset training,
      TokenDataset validation) {
    Trainer trainer =
        new Trainer(
            ModelFiles.shape(file),
            file.metadata().string("general.architecture"),
            lora,
            options,
            training,
            validation);
    try {
      trainer.draw(adapters(trainer.model.parameters()));
      ModelFiles.read(file, trainer.model.parameters());
      return trainer;
    } catch (RuntimeException | Error e) {
      trainer.close();
      throw e;
    }
  }

  /**
   * Goes on as if nothing had happened.
   *
   * @throws IllegalArgumentException if the file is no checkpoint, or options or data differ from
   *     its own, naming which
   * @throws dev.sluice.model.gguf.ModelFileException if the file is damaged
   */
  public static Trainer resume(
      GgufFile checkpoint,
      TrainingOptions options,
      TokenDataset training,
      TokenDataset validation) {
    GgufMetadata saved = checkpoint.metadata();
    if (!saved.has(PREFIX + "step")) {
      throw new IllegalArgumentException(
          checkpoint.path() + ": this is a model, not a checkpoint of a training");
    }
    compare(checkpoint, options, training, validation);
    Trainer trainer =
        new Trainer(
            ModelFiles.shape(checkpoint),
            saved.findString(ModelExport.LORA_ARCHITECTURE).orElse("llama"),
            lora(saved),
            options,
            training,
            validation);
    try {
      ModelFiles.read(checkpoint, trainer.model.parameters());
      for (Optimizer.State state : trainer.optimizer.states()) {
        String name = state.parameter().name();
        ModelFiles.read(checkpoint, "adam.m." + name, state.parameter(), state.first());
        ModelFiles.read(checkpoint, "adam.v." + name, state.parameter(), state.second());
      }
      trainer.step = saved.integer(PREFIX + "step");
      trainer.best = saved.real(PREFIX + "best");
      trainer.waited = Math.toIntExact(saved.integer(PREFIX + "waited"));
      trainer.stopped = saved.bool(PREFIX + "stopped", false);
      trainer.reader.seek(
          saved.integer(PREFIX + "epoch"),
          Math.toIntExact(saved.integer(PREFIX + "document")),
          Math.toIntExact(saved.integer(PREFIX + "offset")));
      return trainer;
    } catch (RuntimeException | Error e) {
      trainer.close();
      throw e;
    }
  }

  private static void compare(
      GgufFile checkpoint,
      TrainingOptions options,
      TokenDataset training,
      TokenDataset validation) {
    List<String> was = checkpoint.metadata().strings(PREFIX + "options");
    List<String> is = ModelFiles.deciding(options);
    for (int i = 0; i < Math.max(was.size(), is.size()); i++) {
      String before = i < was.size() ? was.get(i) : "nothing";
      String now = i < is.size() ? is.get(i) : "nothing";
      if (!before.equals(now)) {
        throw new IllegalArgumentException(
            checkpoint.path() + " was trained with " + before + ", which is now " + now);
      }
    }
    compare(checkpoint, "training", training);
    compare(checkpoint, "validation", validation);
  }

  private static void compare(GgufFile checkpoint, String which, TokenDataset data) {
    if (checkpoint.metadata().integer(PREFIX + which + "_data") != data.fingerprint()) {
      throw new IllegalArgumentException(
          checkpoint.path() + " was trained with other " + which + " text, or another tokenizer");
    }
  }

  private static @Nullable LoraOptions lora(GgufMetadata saved) {
    Optional<List<String>> targets = saved.findStrings(PREFIX + "lora.targets");
    if (targets.isEmpty()) {
      return null;
    }
    int rank = Math.toIntExact(saved.integer(PREFIX + "lora.rank"));
    return new LoraOptions(
        rank, (float) saved.real(PREFIX + "lora.alpha"), Set.copyOf(targets.get()));
  }

  private static List<Parameter> adapters(List<Parameter> parameters) {
    return parameters.stream().filter(p -> p.name().contains(".lora_")).toList();
  }

  private void draw(List<Parameter> parameters) {
    double usual = DEVIATION_TIMES_ROOT / Math.sqrt(shape.width());
    double less = 1 / Math.sqrt(2.0 * shape.layers());
    long stream = Mix.hash(options.seed(), 3);
    for (int p = 0; p < parameters.size(); p++) {
      Parameter parameter = parameters.get(p);
      String name = parameter.name();
      boolean residual = name.endsWith("attn_output.weight") || name.endsWith("ffn_down.weight");
      double deviation = residual ? usual * less : usual;
      for (long i = 0; i < parameter.size(); i++) {
        double value;
        if (name.endsWith(".lora_b")) {
          value = 0;
        } else if (parameter.rows() == 1) {
          value = 1;
        } else {
          value = deviation * Mix.gaussian(Mix.hash(stream, p), i);
        }
        compute.numerics().set(parameter.value(), i, value);
      }
    }
  }

  /** Steps done. */
  public long step() {
    return step;
  }

  /** Whether all steps are done, or an early stop was decided. */
  public boolean finished() {
    return stopped || step >= options.steps();
  }

  /** The model's shape. */
  public ModelShape shape() {
    return shape;
  }

  /** Off-heap bytes that training takes: weights, gradients, moments and activations. */
  public long memoryBytes() {
    return memory.bytes();
  }

  /**
   * One step of the optimizer, with a validation where one is due.
   *
   * @throws IllegalStateException if all steps are done, or if the loss has left the numbers; the
   *     weights are then those of the step before
   */
  public Report advance() {
    if (finished()) {
      throw new IllegalStateException("the training is finished");
    }
    int tokens = 0;
    int learnt = 0;
    for (Batch batch : batches) {
      reader.next(batch);
      tokens += batch.count();
      learnt += batch.learntTokens();
    }
    optimizer.clear();
    double loss = 0;
    for (int i = 0; i < batches.length; i++) {
      double factor = learnt == 0 ? 0 : 1.0 / learnt;
      loss += model.learn(batches[i], factor, step * batches.length + i) * factor;
    }
    double norm = optimizer.step(step + 1);
    if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
      throw new IllegalStateException(
          "the loss is no longer a number at step " + (step + 1) + "; try a lower learning rate");
    }
    step++;
    double held = Double.NaN;
    boolean due = options.validateEvery() > 0 && step % options.validateEvery() == 0;
    if (due || step == options.steps()) {
      held = validationLoss();
      judge(held);
    }
    return new Report(step, loss, options.learningRate(step), norm, tokens, held, finished());
  }

  /** Counts validations without gain. */
  private void judge(double held) {
    if (held < best) {
      best = held;
      waited = 0;
    } else if (!Double.isNaN(held)) {
      waited++;
      stopped = options.patience() > 0 && waited >= options.patience();
    }
  }

  /** Mean natural-log loss per learnt token of the validation set; NaN if that is empty. */
  public double validationLoss() {
    if (validation.learntTokens() == 0) {
      return Double.NaN;
    }
    BatchReader once = BatchReader.once(validation, options.sequenceLength());
    double sum = 0;
    long learnt = 0;
    for (once.next(batches[0]); batches[0].count() > 0; once.next(batches[0])) {
      sum += model.loss(batches[0]);
      learnt += batches[0].learntTokens();
    }
    return sum / learnt;
  }

  /**
   * Everything needed to go on, as a model file that can also be run.
   *
   * @param tokenizer whose {@code tokenizer.*} keys go into the file
   */
  public GgufWriter checkpoint(GgufMetadata tokenizer) {
    GgufWriter writer =
        ModelFiles.header(shape, tokenizer)
            .uint32("general.file_type", ModelFiles.fileType(GgmlType.F32))
            .integer(PREFIX + "step", GgufValueType.INT64, step)
            .integer(PREFIX + "epoch", GgufValueType.INT64, reader.epoch())
            .int32(PREFIX + "document", reader.document())
            .int32(PREFIX + "offset", reader.offset())
            .real(PREFIX + "best", GgufValueType.FLOAT64, best)
            .int32(PREFIX + "waited", waited)
            .bool(PREFIX + "stopped", stopped)
            .strings(PREFIX + "options", ModelFiles.deciding(options))
            .integer(PREFIX + "training_data", GgufValueType.INT64, training.fingerprint())
            .integer(PREFIX + "validation_data", GgufValueType.INT64, validation.fingerprint());
    if (lora != null) {
      writer
          .string(ModelExport.LORA_ARCHITECTURE, architecture)
          .int32(PREFIX + "lora.rank", lora.rank())
          .float32(PREFIX + "lora.alpha", lora.alpha())
          .strings(PREFIX + "lora.targets", lora.targets().stream().sorted().toList());
    }
    for (Parameter parameter : model.parameters()) {
      ModelFiles.write(writer, parameter.name(), parameter, parameter.value());
    }
    for (Optimizer.State state : optimizer.states()) {
      Parameter parameter = state.parameter();
      String name = parameter.name();
      ModelFiles.write(writer, "adam.m." + name, parameter, state.first());
      ModelFiles.write(writer, "adam.v." + name, parameter, state.second());
    }
    return writer;
  }

  @Override
  public void close() {
    pool.close();
    memory.close();
  }
}
