package dev.sluice.ops.train;

import dev.sluice.model.training.TokenDataset;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Progress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What is learnt from, and what is held out, as tokens. */
record Datasets(TokenDataset training, TokenDataset validation) {
  private static final int BATCH = 256;

  /** Where documents come from. A share of the training files is held out where no files are. */
  record Source(List<Path> training, List<Path> validation, double split) {
    Source {
      training = List.copyOf(training);
      validation = List.copyOf(validation);
      if (training.isEmpty()) {
        throw new CommandException("no text to learn from: name files by --data");
      }
      if (!(split >= 0 && split < 1)) {
        throw new CommandException("--valid-split must be 0 to less than 1: " + split);
      }
    }
  }

  /**
   * Reads and encodes all documents; the result depends on the files and their order alone.
   *
   * @throws CommandException where a file cannot be read, is not what it should be, or nothing is
   *     there to learn
   */
  static Datasets read(Source source, DocumentEncoder encoder, int vocabulary) {
    TokenDataset.Builder training = TokenDataset.builder(vocabulary);
    TokenDataset.Builder validation = TokenDataset.builder(vocabulary);
    double share = source.validation().isEmpty() ? source.split() : 0;
    read(source.training(), encoder, index -> held(index, share) ? validation : training);
    if (!source.validation().isEmpty()) {
      read(source.validation(), encoder, _ -> validation);
    }
    Datasets all = new Datasets(training.build(), validation.build());
    if (all.training().learntTokens() == 0) {
      throw new CommandException(
          "nothing to learn in " + source.training() + ": no document has a token to predict");
    }
    return all;
  }

  /** Whether a document is held out: every so many-th one, the last of its group. */
  private static boolean held(long index, double share) {
    return Math.floor((index + 1) * share) > Math.floor(index * share);
  }

  /** The set that a document goes to. */
  private interface Choice {
    TokenDataset.Builder of(long index);
  }

  private static void read(List<Path> files, DocumentEncoder encoder, Choice choice) {
    long index = 0;
    try (Documents documents = Documents.open(files);
        Progress progress = new Progress()) {
      List<Documents.Document> batch = new ArrayList<>(BATCH);
      while (documents.hasNext()) {
        batch.clear();
        while (batch.size() < BATCH && documents.hasNext()) {
          batch.add(documents.next());
        }
        for (DocumentEncoder.Encoded document :
            batch.parallelStream().map(encoder::encode).toList()) {
          add(choice.of(index++), document);
        }
        progress.say(
            () ->
                "reading text: %d %%"
                    .formatted(100 * documents.bytesRead() / Math.max(1, documents.bytes())));
      }
    }
  }

  private static void add(TokenDataset.Builder set, DocumentEncoder.Encoded document) {
    try {
      set.add(document.ids, document.learnt);
    } catch (IllegalStateException e) {
      throw new CommandException("too much text for one training: " + e.getMessage(), e);
    }
  }
}
