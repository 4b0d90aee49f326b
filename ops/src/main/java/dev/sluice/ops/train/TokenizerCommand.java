package dev.sluice.ops.train;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufWriter;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Json;
import dev.sluice.ops.Progress;
import dev.sluice.ops.Streams;
import dev.sluice.ops.train.Documents.Document;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.tokenizer.Tokenizer;
import dev.sluice.stages.tokenizer.TokenizerOptions;
import dev.sluice.stages.tokenizer.TokenizerTrainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice train tokenizer}: learns a vocabulary from files of text. */
@Command(
    name = "tokenizer",
    description = "Learns a vocabulary from files of text and writes it as a GGUF file.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class TokenizerCommand implements Runnable {
  private static final int MEBI = 20;

  @Parameters(
      arity = "1..*",
      paramLabel = "INPUT",
      description =
          "Text to learn from, UTF-8: .txt, or .jsonl with {\"text\":…} or {\"messages\":[…]} a"
              + " line.")
  private List<Path> inputs = List.of();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      required = true,
      description = "The GGUF file to write; it holds the vocabulary only.")
  private Path output = Path.of("");

  @Option(
      names = "--type",
      paramLabel = "bpe|wordpiece|spm",
      defaultValue = "bpe",
      description = {
        "bpe (default): byte-level, as GPT-2's. spm: SentencePiece's BPE, with bytes for rare"
            + " characters. wordpiece: BERT's, by gain of likelihood."
      })
  private TokenizerOptions.Type type = TokenizerOptions.Type.BPE;

  @Option(
      names = "--vocab-size",
      paramLabel = "N",
      required = true,
      description = "How many tokens there are in the end, special ones counted.")
  private int size;

  @Option(
      names = "--pre",
      paramLabel = "NAME",
      defaultValue = "gpt-2",
      description =
          "bpe: where text is cut, by its name in GGUF files: gpt-2 (default), starcoder (each"
              + " digit alone), llama-bpe, qwen2, …")
  private String preTokenizer = "gpt-2";

  @Option(
      names = "--min-frequency",
      paramLabel = "N",
      defaultValue = "2",
      description = "Join only what stands side by side at least so often (default: 2).")
  private long minFrequency;

  @Option(
      names = "--special",
      arity = "1",
      paramLabel = "TOKEN",
      description = "A control token; repeat for more. Their ids are the first.")
  private List<String> special = List.of();

  @Option(names = "--bos", paramLabel = "TOKEN", description = "Begins a text.")
  private @Nullable String bos;

  @Option(names = "--eos", paramLabel = "TOKEN", description = "Ends a text.")
  private @Nullable String eos;

  @Option(names = "--unk", paramLabel = "TOKEN", description = "Stands for what has no token.")
  private @Nullable String unknown;

  @Option(names = "--pad", paramLabel = "TOKEN", description = "Fills up.")
  private @Nullable String padding;

  @Option(
      names = "--chat-template",
      paramLabel = "FILE|chatml|sluice",
      description = "Write a Jinja template for conversations into the file (default: none).")
  private @Nullable String template;

  @Option(names = "--json", description = "Print what was learnt from how much text, as JSON.")
  private boolean asJson;

  @Override
  public void run() {
    final long start = System.nanoTime();
    TokenizerOptions options =
        TokenizerOptions.builder(type, size)
            .preTokenizer(preTokenizer)
            .minFrequency(minFrequency)
            .special(special)
            .bos(bos)
            .eos(eos)
            .unknown(unknown)
            .padding(padding)
            .chatTemplate(template == null ? null : ChatTemplates.read(template))
            .build();
    if (template != null) {
      ChatTemplates.check(template, options.special());
    }
    checkOutput();
    TokenizerTrainer trainer = new TokenizerTrainer(options);
    long documents = 0;
    long bytes;
    try (Progress progress = new Progress();
        Documents texts = Documents.open(inputs)) {
      while (texts.hasNext()) {
        add(texts.next(), trainer);
        documents++;
        progress.say(
            () ->
                "reading: %d of %d MiB"
                    .formatted(texts.bytesRead() >> MEBI, texts.bytes() >> MEBI));
      }
      bytes = texts.bytes();
    }
    checkMemory(trainer);
    GgufWriter file;
    try (Progress progress = new Progress()) {
      file =
          trainer.learn(
              tokens -> progress.say(() -> "learning: %d of %d tokens".formatted(tokens, size)));
    }
    write(file);
    report(trainer, documents, bytes, (System.nanoTime() - start) / 1e9);
  }

  private static void add(Document document, TokenizerTrainer trainer) {
    if (document.text() != null) {
      trainer.add(document.text());
    }
    for (ChatMessage message : document.messages()) {
      trainer.add(message.content());
    }
  }

  private void checkOutput() {
    Path folder = output.toAbsolutePath().getParent();
    if (Files.isDirectory(output) || folder == null || !Files.isDirectory(folder)) {
      throw new CommandException(
          output + ": " + (Files.isDirectory(output) ? "is a folder" : "its folder is not there"));
    }
    for (Path input : inputs) {
      if (input.toAbsolutePath().normalize().equals(output.toAbsolutePath().normalize())) {
        throw new CommandException(output + ": is read from too; choose another --output");
      }
    }
  }

  private void checkMemory(TokenizerTrainer trainer) {
    long needed = (trainer.memoryBytes() >> MEBI) + 1;
    long limit = Runtime.getRuntime().maxMemory() >> MEBI;
    Streams.err()
        .printf(
            Locale.ROOT,
            "sluice: %,d distinct pieces; learning from them needs about %,d MiB of memory%n",
            trainer.distinctPieces(),
            needed);
    if (needed > limit) {
      throw new CommandException(
          "learning from this text needs about %d MiB of memory, the JVM may take %d; give less text"
                  .formatted(needed, limit)
              + " or SLUICE_JAVA_OPTS=-Xmx…");
    }
  }

  /** Writes the file, once what is in it was read back. */
  private void write(GgufWriter file) {
    Path trial = output.resolveSibling("." + output.getFileName() + ".trial");
    try {
      file.write(trial);
      try (GgufFile written = GgufFile.open(trial)) {
        ChatTemplate.of(written.metadata(), Tokenizer.of(written.metadata()));
      } catch (ModelFileException e) {
        if (template == null) {
          throw e;
        }
        throw new CommandException("--chat-template " + template + ": " + e.getMessage(), e);
      }
      file.write(output);
    } finally {
      boolean _ = trial.toFile().delete();
    }
  }

  private void report(TokenizerTrainer trainer, long documents, long bytes, double seconds) {
    if (asJson) {
      Json.print(
          json -> {
            json.writeStringField("file", output.toString());
            json.writeStringField("type", type.name().toLowerCase(Locale.ROOT));
            json.writeNumberField("tokens", size);
            json.writeNumberField("documents", documents);
            json.writeNumberField("bytes", bytes);
            json.writeNumberField("distinct_pieces", trainer.distinctPieces());
            Json.number(json, "seconds", seconds);
          });
      return;
    }
    Streams.err()
        .printf(
            Locale.ROOT,
            "sluice: %s: %,d tokens learnt from %,d documents, %.1f MiB, in %.1f s%n",
            output,
            size,
            documents,
            bytes / (double) (1 << MEBI),
            seconds);
  }
}
