package dev.sluice.ops;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.Quantizer;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.quantize.ModelQuantizer;
import dev.sluice.model.quantize.TensorChange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice quantize}: a model file again, its weights in another type. */
@Command(
    name = "quantize",
    description =
        "Writes a model with its weights in another type: f32, f16, bf16, q8_0, q6_k, q5_k, q5_1,"
            + " q5_0, q4_k, q4_1, q4_0. Vectors become f32; the output matrix is q6_k at least;"
            + " where rows are no whole number of blocks, the nearest type that fits.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class QuantizeCommand implements Runnable {
  @Parameters(
      index = "0",
      paramLabel = "IN.gguf",
      description = "The model, of any type; of a split model, any of its parts.")
  private Path in = Path.of("");

  @Parameters(
      index = "1",
      paramLabel = "OUT.gguf",
      description = "The file to write; one that is there is replaced when all is written.")
  private Path out = Path.of("");

  @Parameters(index = "2", paramLabel = "TYPE", description = "The type of most weights.")
  private GgmlType type = GgmlType.F32;

  @Option(
      names = "--keep",
      paramLabel = "PATTERN",
      description =
          "Tensors of such names keep their type; * stands for anything: 'blk.0.*'. May be given"
              + " several times.")
  private List<String> keep = List.of();

  @Option(
      names = "--lora",
      paramLabel = "FILE[=SCALE]",
      description = "Merge this adapter into the weights first. May be given several times.")
  private List<String> adapters = List.of();

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "Threads that compute (default: the cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--json",
      description =
          "Print {\"file\",\"type\",\"bytes_before\",\"bytes\",\"tensors\":[{\"name\",\"from\","
              + "\"to\",\"fallback\"}]}.")
  private boolean asJson;

  @Override
  public void run() {
    if (!Quantizer.supports(type)) {
      throw new CommandException(
          "nothing can be quantized to "
              + type
              + "; choose one of "
              + Arrays.stream(GgmlType.values())
                  .filter(Quantizer::supports)
                  .map(GgmlType::name)
                  .collect(Collectors.joining(", ")));
    }
    if (threads < 1 || threads > 1024) {
      throw new CommandException("--threads " + threads + ": must be from 1 to 1024");
    }
    try (GgufFile model = GgufFile.open(in)) {
      checkOutput(model);
      ModelQuantizer quantizer =
          new ModelQuantizer(model, type, kept(model), Adapters.read(adapters));
      sayFallbacks(quantizer.changes());
      write(quantizer);
      long bytes = quantizer.changes().stream().mapToLong(TensorChange::bytes).sum();
      if (asJson) {
        Json.print(json -> writeJson(json, quantizer, bytes));
      } else {
        print(quantizer, bytes);
      }
    }
  }

  /** The model is mapped while it is read: to write over it would change it under our eyes. */
  private void checkOutput(GgufFile model) {
    Stream.concat(Stream.of(model.path()), model.tensors().stream().map(t -> t.file()))
        .distinct()
        .filter(part -> isSame(part, out))
        .findFirst()
        .ifPresent(
            part -> {
              throw new CommandException(
                  out + ": is the model that is read; write to another file");
            });
    if (Files.isDirectory(out)) {
      throw new CommandException(out + ": is a folder; name the file to write");
    }
  }

  private static boolean isSame(Path part, Path other) {
    try {
      return Files.exists(other) && Files.isSameFile(part, other);
    } catch (IOException e) {
      throw new CommandException(other + ": cannot be looked at: " + e.getMessage(), e);
    }
  }

  private Predicate<String> kept(GgufFile model) {
    List<Pattern> patterns = new ArrayList<>();
    for (String pattern : keep) {
      Pattern compiled =
          Pattern.compile(
              Arrays.stream(pattern.split("\\*", -1))
                  .map(Pattern::quote)
                  .collect(Collectors.joining(".*")));
      if (model.tensors().stream().noneMatch(t -> compiled.matcher(t.name()).matches())) {
        throw new CommandException(
            "--keep '" + pattern + "': no tensor of " + in + " has such a name");
      }
      patterns.add(compiled);
    }
    return name -> patterns.stream().anyMatch(pattern -> pattern.matcher(name).matches());
  }

  private static void sayFallbacks(List<TensorChange> changes) {
    Map<String, Long> counts =
        changes.stream()
            .filter(TensorChange::fallsBack)
            .collect(
                Collectors.groupingBy(
                    c ->
                        "rows of "
                            + c.tensor().columns()
                            + " are no whole number of "
                            + c.wish()
                            + "'s blocks of "
                            + c.wish().blockSize()
                            + ": "
                            + c.type()
                            + " instead",
                    TreeMap::new,
                    Collectors.counting()));
    counts.forEach(
        (what, count) ->
            Streams.err().printf("sluice: %d tensor%s: %s%n", count, count == 1 ? "" : "s", what));
  }

  private void write(ModelQuantizer quantizer) {
    double all = quantizer.elements();
    try (WorkerPool pool = new WorkerPool(threads);
        Progress progress = new Progress()) {
      quantizer.write(
          out,
          pool,
          done ->
              progress.say(
                  () ->
                      String.format(
                          Locale.ROOT,
                          "%3.0f %% of %.1f million weights",
                          100 * done / all,
                          all / 1e6)));
    }
  }

  private void print(ModelQuantizer quantizer, long bytes) {
    Map<GgmlType, Long> counts =
        quantizer.changes().stream()
            .collect(
                Collectors.groupingBy(TensorChange::type, TreeMap::new, Collectors.counting()));
    Streams.out()
        .printf(
            "%s: %s of weights, before %s; tensors: %s%n",
            out,
            Bytes.text(bytes),
            Bytes.text(bytesBefore(quantizer)),
            counts.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", ")));
    Streams.out().flush();
  }

  private static long bytesBefore(ModelQuantizer quantizer) {
    return quantizer.changes().stream().mapToLong(c -> c.tensor().data().byteSize()).sum();
  }

  private void writeJson(JsonGenerator json, ModelQuantizer quantizer, long bytes)
      throws IOException {
    json.writeStringField("file", out.toString());
    json.writeStringField("type", type.name());
    json.writeNumberField("bytes_before", bytesBefore(quantizer));
    json.writeNumberField("bytes", bytes);
    json.writeArrayFieldStart("tensors");
    for (TensorChange change : quantizer.changes()) {
      json.writeStartObject();
      json.writeStringField("name", change.tensor().name());
      json.writeStringField("from", change.tensor().type().name());
      json.writeStringField("to", change.type().name());
      json.writeBooleanField("fallback", change.fallsBack());
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
