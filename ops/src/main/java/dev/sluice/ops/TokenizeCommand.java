package dev.sluice.ops;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.tokenizer.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice tokenize}: text to token ids and back; needs only the vocabulary of the file. */
@Command(
    name = "tokenize",
    description = "Turns text into token ids, or (--decode) ids into text.",
    mixinStandardHelpOptions = true)
final class TokenizeCommand implements Runnable {
  @Mixin private ModelOption model = new ModelOption();
  @Mixin private TextInput input = new TextInput();

  @Option(names = "--decode", description = "The text is token ids (1,2,3); print their text.")
  private boolean decode;

  @Option(names = "--no-special", description = "Add no BOS, EOS or other special token.")
  private boolean noSpecial;

  @Option(
      names = "--parse-special",
      description = "Read special tokens written out in the text as these tokens.")
  private boolean parseSpecial;

  @Option(names = "--json", description = "Print {\"ids\":[…],\"tokens\":[…]}.")
  private boolean asJson;

  @Override
  public void run() {
    try (GgufFile file = model.open()) {
      Tokenizer tokenizer = Tokenizer.of(file.metadata());
      String text = input.read();
      int[] ids =
          decode
              ? TokenIds.parse(text, tokenizer.vocabularySize())
              : tokenizer.encode(text, !noSpecial, parseSpecial);
      print(tokenizer, ids);
    }
  }

  private void print(Tokenizer tokenizer, int[] ids) {
    if (asJson) {
      Json.print(
          json -> {
            json.writeFieldName("ids");
            json.writeArray(ids, 0, ids.length);
            json.writeArrayFieldStart("tokens");
            for (int id : ids) {
              json.writeString(tokenizer.piece(id));
            }
            json.writeEndArray();
            if (decode) {
              json.writeStringField("text", tokenizer.decode(ids));
            }
          });
    } else if (decode) {
      Streams.out().println(tokenizer.decode(ids));
    } else {
      StringBuilder lines = new StringBuilder();
      for (int id : ids) {
        lines.append(id).append('\t').append(tokenizer.piece(id)).append('\n');
      }
      Streams.out().print(lines);
    }
    Streams.out().flush();
  }
}
