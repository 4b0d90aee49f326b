package dev.sluice.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.GgufTensor;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.LoraAdapter;
import dev.sluice.model.lora.ScaledAdapter;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ModelShards;
import dev.sluice.model.shard.ShardOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainerTest {
  private static final int VOCABULARY = 29;

  @TempDir private Path folder = Path.of("");
  private Path tokenizer = Path.of("");

  private static final ModelShape SHAPE = shape(PositionEncoding.ROPE, FeedForward.SWIGLU, true);

  private static ModelShape shape(
      PositionEncoding positions, FeedForward activation, boolean tied) {
    float base = positions == PositionEncoding.ROPE ? 500 : 10_000;
    return new ModelShape(
        VOCABULARY, 32, 2, 4, 2, 48, 24, positions, activation, base, 1e-5f, tied);
  }

  private static TrainingOptions.Builder options() {
    return TrainingOptions.builder()
        .steps(12)
        .batchTokens(60)
        .sequenceLength(20)
        .accumulation(2)
        .learningRate(1e-2)
        .warmupSteps(3)
        .validateEvery(4)
        .dropout(0.1)
        .threads(2)
        .seed(11);
  }

  /** Counting, by different steps: what follows is certain. */
  private static TokenDataset data(long seed, int documents) {
    Random random = new Random(seed);
    TokenDataset.Builder builder = TokenDataset.builder(VOCABULARY);
    for (int d = 0; d < documents; d++) {
      int step = 1 + random.nextInt(3);
      int at = random.nextInt(VOCABULARY);
      int[] ids = new int[6 + random.nextInt(20)];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = at;
        at = (at + step) % VOCABULARY;
      }
      builder.add(ids, null);
    }
    return builder.build();
  }

  @BeforeEach
  void writeTokenizer() {
    tokenizer = folder.resolve("tokenizer.gguf");
    List<String> tokens = new ArrayList<>();
    for (int i = 0; i < VOCABULARY; i++) {
      tokens.add("t" + i);
    }
    new GgufWriter()
        .string("general.architecture", "llama")
        .string("tokenizer.ggml.model", "gpt2")
        .strings("tokenizer.ggml.tokens", tokens)
        .write(tokenizer);
  }

  private <T> T withTokenizer(Function<GgufMetadata, T> use) {
    try (GgufFile file = GgufFile.open(tokenizer)) {
      return use.apply(file.metadata());
    }
  }

  private Path write(String name, Function<GgufMetadata, GgufWriter> writer) {
    Path file = folder.resolve(name);
    withTokenizer(
        metadata -> {
          writer.apply(metadata).write(file);
          return file;
        });
    return file;
  }

  /** As users export: from a checkpoint. */
  private Path export(String name, Trainer trainer, GgmlType type) {
    Path file = folder.resolve(name);
    try (GgufFile checkpoint = GgufFile.open(write("checkpoint-of-" + name, trainer::checkpoint))) {
      ModelExport.model(checkpoint, type).write(file);
    }
    return file;
  }

  private static List<Trainer.Report> run(Trainer trainer) {
    List<Trainer.Report> reports = new ArrayList<>();
    while (!trainer.finished()) {
      reports.add(trainer.advance());
    }
    return reports;
  }

  @Test
  void shouldLearnWhatIsCertain() {
    TrainingOptions options =
        options().steps(150).dropout(0).accumulation(1).batchTokens(120).build();
    try (Trainer trainer = Trainer.create(SHAPE, options, data(1, 200), data(2, 20))) {
      double before = trainer.validationLoss();
      Trainer.Report last = run(trainer).getLast();
      assertThat(before).isGreaterThan(3);
      assertThat(last.validationLoss()).isLessThan(0.5);
      assertThat(last.stop()).isTrue();
      assertThat(trainer.memoryBytes()).isGreaterThan(SHAPE.parameters() * 16);
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "5", "11"})
  void shouldGoOnFromACheckpointAsIfNothingHadHappened(int steps) throws IOException {
    TokenDataset training = data(1, 40);
    TokenDataset validation = data(2, 5);
    List<Trainer.Report> straight;
    Path whole;
    try (Trainer trainer = Trainer.create(SHAPE, options().build(), training, validation)) {
      straight = run(trainer);
      whole = write("whole.gguf", trainer::checkpoint);
    }
    Path half;
    try (Trainer trainer = Trainer.create(SHAPE, options().build(), training, validation)) {
      for (int i = 0; i < steps; i++) {
        assertThat(trainer.advance()).isEqualTo(straight.get(i));
      }
      half = write("half.gguf", trainer::checkpoint);
    }
    try (GgufFile file = GgufFile.open(half);
        Trainer trainer =
            Trainer.resume(file, options().threads(5).build(), training, validation)) {
      assertThat(trainer.step()).isEqualTo(steps);
      assertThat(run(trainer)).isEqualTo(straight.subList(steps, straight.size()));
      assertThat(write("resumed.gguf", trainer::checkpoint)).hasSameBinaryContentAs(whole);
    }
  }

  @Test
  void shouldResumeAdaptersToo() {
    Path base = base(SHAPE, GgmlType.F32);
    LoraOptions lora = new LoraOptions(4, 8, Set.of("attn_q", "ffn_down"));
    TokenDataset training = data(3, 40);
    TokenDataset validation = data(4, 5);
    Path half;
    List<Trainer.Report> straight;
    try (GgufFile file = GgufFile.open(base);
        Trainer trainer = Trainer.fineTune(file, lora, options().build(), training, validation)) {
      trainer.advance();
      half = write("half.gguf", trainer::checkpoint);
      straight = run(trainer);
    }
    try (GgufFile file = GgufFile.open(half);
        Trainer trainer = Trainer.resume(file, options().build(), training, validation)) {
      assertThat(run(trainer)).isEqualTo(straight);
    }
  }

  private Path base(ModelShape shape, GgmlType type) {
    try (Trainer trainer = Trainer.create(shape, options().build(), data(1, 40), data(2, 5))) {
      run(trainer);
      return export("base-" + type + ".gguf", trainer, type);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ROPE, SWIGLU, true, llama",
    "ROPE, SWIGLU, false, llama",
    "ROPE, GELU, true, sluice",
    "SINUSOIDAL, SWIGLU, true, sluice",
    "SINUSOIDAL, GELU, false, sluice"
  })
  void shouldExportWhatTheEngineComputes(
      PositionEncoding positions, FeedForward activation, boolean tied, String architecture) {
    ModelShape shape = shape(positions, activation, tied);
    TokenDataset text = data(5, 6);
    double expected;
    Path exported;
    try (Trainer trainer = Trainer.create(shape, options().build(), data(1, 40), text)) {
      run(trainer);
      expected = trainer.validationLoss();
      exported = export("model.gguf", trainer, GgmlType.F32);
    }
    try (GgufFile file = GgufFile.open(exported)) {
      assertThat(ModelSpec.of(file).architecture().key()).isEqualTo(architecture);
      assertThat(ModelFiles.shape(file)).isEqualTo(shape);
      assertThat(engineLoss(file, text)).isCloseTo(expected, offset(1e-4));
    }
  }

  private static org.assertj.core.data.Offset<Double> offset(double value) {
    return org.assertj.core.data.Offset.offset(value);
  }

  /** The mean loss of documents' first sequences, by the engine that serves. */
  private static double engineLoss(GgufFile file, TokenDataset text, ScaledAdapter... adapters) {
    Batch batch = new Batch(4096);
    BatchReader.once(text, 20).next(batch);
    double sum = 0;
    ModelSpec spec = ModelSpec.of(file);
    try (WorkerPool pool = new WorkerPool(2);
        Arena arena = Arena.ofShared();
        ModelShard shard =
            ModelShards.load(
                file,
                new ShardOptions(
                    LayerRange.all(spec.layers()),
                    KvType.F32,
                    64,
                    1,
                    32,
                    32,
                    32,
                    24,
                    List.of(adapters)),
                pool)) {
      for (int p = 0; p < batch.pieces(); p++) {
        int length = batch.length(p);
        MicroBatch micro = new MicroBatch(1);
        micro.add(0, 0, length, MicroBatch.ALL_LOGITS);
        MemorySegment ids = arena.allocate(4L * length, 64);
        for (int i = 0; i < length; i++) {
          ids.setAtIndex(ValueLayout.JAVA_INT, i, batch.id(batch.start(p) + i));
        }
        MemorySegment logits = arena.allocate(4L * length * VOCABULARY, 64);
        shard.reserve(micro, 0);
        shard.forward(micro, 0, ids, logits);
        for (int i = 0; i < length; i++) {
          sum += loss(logits, i, batch.target(batch.start(p) + i));
        }
        shard.release(0);
      }
    }
    return sum / batch.count();
  }

  private static double loss(MemorySegment logits, int row, int target) {
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) {
      double score = logits.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * VOCABULARY + i);
      sum += Math.exp(score);
    }
    double right = logits.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * VOCABULARY + target);
    return Math.log(sum) - right;
  }

  @Test
  void shouldMergeAdaptersIntoTheExportedModel() {
    Path base = base(SHAPE, GgmlType.F32);
    LoraOptions lora = new LoraOptions(4, 8, LoraOptions.TARGETS);
    TokenDataset text = data(6, 6);
    double expected;
    Path merged;
    Path adapter;
    try (GgufFile file = GgufFile.open(base);
        Trainer trainer = Trainer.fineTune(file, lora, options().build(), data(3, 40), text)) {
      double before = trainer.validationLoss();
      run(trainer);
      expected = trainer.validationLoss();
      assertThat(expected).isNotEqualTo(before);
      merged = export("merged.gguf", trainer, GgmlType.F32);
      adapter = folder.resolve("adapter.gguf");
      try (GgufFile checkpoint = GgufFile.open(write("adapted.gguf", trainer::checkpoint))) {
        ModelExport.adapter(checkpoint).write(adapter);
      }
    }
    try (GgufFile file = GgufFile.open(merged)) {
      assertThat(engineLoss(file, text)).isCloseTo(expected, offset(1e-4));
    }
    try (GgufFile file = GgufFile.open(base)) {
      ScaledAdapter scaled = new ScaledAdapter(LoraAdapter.read(adapter), 1);
      assertThat(engineLoss(file, text, scaled)).isCloseTo(expected, offset(1e-4));
    }
    try (GgufFile file = GgufFile.open(adapter)) {
      GgufTensor a = file.tensor("blk.1.ffn_down.weight.lora_a");
      GgufTensor b = file.tensor("blk.1.ffn_down.weight.lora_b");
      assertThat(a.dimensions()).containsExactly(48, 4);
      assertThat(b.dimensions()).containsExactly(4, 32);
      assertThat(file.tensors()).hasSize(2 * 2 * LoraOptions.TARGETS.size());
    }
  }

  @Test
  void shouldFineTuneQuantizedModels() {
    Path base = base(SHAPE, GgmlType.Q8_0);
    TokenDataset text = data(6, 20);
    try (GgufFile file = GgufFile.open(base);
        Trainer trainer =
            Trainer.fineTune(file, null, options().dropout(0).build(), data(3, 40), text)) {
      double before = trainer.validationLoss();
      assertThat(run(trainer).getLast().validationLoss()).isLessThan(before);
    }
  }

  @Test
  void shouldLearnMarkedTokensOnly() {
    TokenDataset.Builder builder = TokenDataset.builder(VOCABULARY);
    boolean[] marks = {false, false, true, true};
    builder.add(new int[] {1, 2, 3, 4}, marks);
    TokenDataset marked = builder.build();
    assertThat(marked.learntTokens()).isEqualTo(2);
    TokenDataset first = TokenDataset.builder(VOCABULARY).add(new int[] {1, 2}, null).build();
    TrainingOptions options = options().steps(60).dropout(0).build();
    try (Trainer trainer = Trainer.create(SHAPE, options, marked, first)) {
      Trainer.Report last = run(trainer).getLast();
      assertThat(last.loss()).isLessThan(0.1);
      assertThat(last.validationLoss()).isGreaterThan(2);
    }
  }

  @Test
  void shouldStopEarlyWhenNothingIsGained() {
    TrainingOptions options =
        options().steps(400).validateEvery(1).patience(3).learningRate(0.5).build();
    try (Trainer trainer = Trainer.create(SHAPE, options, data(1, 40), data(2, 5))) {
      Trainer.Report last = run(trainer).getLast();
      assertThat(last.stop()).isTrue();
      assertThat(last.step()).isLessThan(400);
    }
  }

  @Test
  void shouldSayWhatDoesNotFit() throws IOException {
    TokenDataset text = data(1, 40);
    assertThatThrownBy(
            () ->
                Trainer.create(
                    SHAPE, options().sequenceLength(25).batchTokens(60).build(), text, text))
        .hasMessage("sequences of 25 tokens are longer than the model's 24 positions");
    TokenDataset none = TokenDataset.builder(VOCABULARY).build();
    assertThatThrownBy(() -> Trainer.create(SHAPE, options().build(), none, none))
        .hasMessage("there is no text to learn from");
    Path checkpoint;
    try (Trainer trainer = Trainer.create(SHAPE, options().build(), text, text)) {
      trainer.advance();
      checkpoint = write("checkpoint.gguf", trainer::checkpoint);
    }
    try (GgufFile file = GgufFile.open(checkpoint)) {
      assertThatThrownBy(
              () -> Trainer.resume(file, options().learningRate(0.5).build(), text, text))
          .hasMessageContaining("learningRate=0.01, which is now learningRate=0.5");
      assertThatThrownBy(() -> Trainer.resume(file, options().build(), data(9, 40), text))
          .hasMessageContaining("other training text");
    }
    Path model = base(SHAPE, GgmlType.F16);
    try (GgufFile file = GgufFile.open(model)) {
      assertThatThrownBy(() -> Trainer.resume(file, options().build(), text, text))
          .hasMessageContaining("not a checkpoint");
    }
    assertThat(Files.exists(checkpoint)).isTrue();
  }
}
