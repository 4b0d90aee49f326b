package dev.sluice.ops.train;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.model.training.corpus.Corpus;
import dev.sluice.model.training.corpus.Document;
import dev.sluice.model.training.corpus.Document.Chat;
import dev.sluice.model.training.corpus.Document.Message;
import dev.sluice.model.training.corpus.Document.Text;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Json;
import dev.sluice.ops.Progress;
import dev.sluice.ops.Streams;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sluice train corpus}: text to learn from, the same for the same seed anywhere. */
@Command(
    name = "corpus",
    description = {
      "Writes text to learn from: stories, questions about them, additions.",
      "One JSON object a line: {\"text\": …}, or {\"messages\": [{\"role\", \"content\"}, …]}."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class CorpusCommand implements Runnable {
  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = {
        "The same seed gives the same text (default ${DEFAULT-VALUE}).",
        "From 1000000 on: text for measuring, with additions that no lower seed has."
      })
  private long seed;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "1M",
      converter = Counts.class,
      description =
          "How much, in words, digits and punctuation marks, such as 500k or 40M"
              + " (default ${DEFAULT-VALUE}).")
  private long tokens;

  @Option(
      names = "--kind",
      paramLabel = "KIND",
      defaultValue = "text",
      description =
          "text for pre-training, chat for fine-tuning, or mix (default ${DEFAULT-VALUE}).")
  private Corpus.Kind kind = Corpus.Kind.TEXT;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      required = true,
      description = "Where to; '-' is standard output.")
  private Path output = Path.of("-");

  /** What was written. */
  private record Written(long documents, long tokens) {}

  @Override
  public void run() {
    try {
      Written written = output.toString().equals("-") ? toStandardOutput() : toFile();
      Streams.err()
          .printf(
              Locale.ROOT,
              "%,d documents, %,d words, digits and punctuation marks%n",
              written.documents,
              written.tokens);
      Streams.err().flush();
    } catch (IOException e) {
      throw new CommandException(output + ": cannot be written: " + reason(e), e);
    }
  }

  private static String reason(IOException failure) {
    String message = failure.getMessage();
    return message == null ? failure.getClass().getSimpleName() : message;
  }

  private Written toStandardOutput() throws IOException {
    Writer out = new OutputStreamWriter(Streams.out(), StandardCharsets.UTF_8);
    Written written = write(new BufferedWriter(out));
    if (Streams.out().checkError()) {
      throw new IOException("the reader has gone");
    }
    return written;
  }

  /** Writes aside and renames, so that the file is there whole or not at all. */
  private Written toFile() throws IOException {
    Path folder = output.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new CommandException(output + ": there is no folder " + folder);
    }
    Path aside = Files.createTempFile(folder, output.getFileName().toString(), ".tmp");
    try {
      Written written;
      try (BufferedWriter out = Files.newBufferedWriter(aside, StandardCharsets.UTF_8)) {
        written = write(out);
      }
      Files.move(aside, output, StandardCopyOption.ATOMIC_MOVE);
      return written;
    } finally {
      Files.deleteIfExists(aside);
    }
  }

  private Written write(BufferedWriter out) throws IOException {
    long documents = 0;
    long done = 0;
    try (Progress progress = new Progress()) {
      while (done < tokens) {
        Document document = Corpus.document(seed, documents, kind);
        out.write(Json.object(json -> fields(json, document)));
        out.write('\n');
        documents++;
        done += document.tokens();
        long soFar = done;
        progress.say(() -> "%d %% of %,d tokens".formatted(100 * soFar / tokens, tokens));
      }
    }
    out.flush();
    return new Written(documents, done);
  }

  private static void fields(JsonGenerator json, Document document) throws IOException {
    switch (document) {
      case Text(String text) -> json.writeStringField("text", text);
      case Chat chat -> {
        json.writeArrayFieldStart("messages");
        for (Message message : chat.messages()) {
          json.writeStartObject();
          json.writeStringField("role", message.role());
          json.writeStringField("content", message.content());
          json.writeEndObject();
        }
        json.writeEndArray();
      }
    }
  }
}
