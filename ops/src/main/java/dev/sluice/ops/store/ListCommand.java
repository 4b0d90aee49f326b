package dev.sluice.ops.store;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.model.store.ModelName;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.StoredEntry;
import dev.sluice.ops.Bytes;
import dev.sluice.ops.Json;
import dev.sluice.ops.StoreOption;
import dev.sluice.ops.Streams;
import java.io.IOException;
import java.io.PrintStream;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice list}: the models in the store. */
@Command(
    name = "list",
    aliases = "ls",
    description =
        "Shows the models in the store: those that were pulled, and, without a name, those of which"
            + " layers were fetched to run here.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class ListCommand implements Runnable {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);

  @Mixin private StoreOption store = new StoreOption();

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean asJson;

  @Option(
      names = "--verify",
      description =
          "Read everything again first, and forget what is damaged; it is fetched or pulled anew.")
  private boolean verify;

  /** Made by the command line. */
  public ListCommand() {}

  @Override
  public void run() {
    if (verify) {
      store.find().ifPresent(ListCommand::verify);
    }
    List<StoredEntry> entries = store.find().map(ModelStore::list).orElse(List.of());
    if (asJson) {
      Json.print(json -> write(json, entries));
      return;
    }
    PrintStream out = Streams.out();
    out.printf(
        Locale.ROOT,
        "%-32s %-12s %11s %7s  %-16s %s%n",
        "NAME",
        "ID",
        "SIZE",
        "HERE",
        "USED (UTC)",
        "FROM");
    for (StoredEntry entry : entries) {
      out.printf(
          Locale.ROOT,
          "%-32s %-12s %11s %6d%%  %-16s %s%n",
          names(entry),
          entry.id().brief(),
          Bytes.text(entry.bytes()),
          100 * entry.bytesPresent() / entry.bytes(),
          TIME.format(entry.used()),
          entry.source());
    }
    out.flush();
  }

  private static void verify(ModelStore opened) {
    for (StoredEntry entry : opened.list()) {
      opened
          .find(entry.id())
          .ifPresent(
              model -> {
                try (model) {
                  int damaged = model.verify();
                  if (damaged > 0) {
                    Streams.err()
                        .println(
                            "sluice: %s: %d of its chunks were damaged and are forgotten"
                                .formatted(entry.id().brief(), damaged));
                    Streams.err().flush();
                  }
                }
              });
    }
  }

  private static String names(StoredEntry entry) {
    return entry.names().isEmpty()
        ? "-"
        : entry.names().stream().map(ModelName::toString).collect(Collectors.joining(", "));
  }

  private void write(JsonGenerator json, List<StoredEntry> entries) throws IOException {
    json.writeStringField("store", store.folder().toString());
    json.writeArrayFieldStart("models");
    for (StoredEntry entry : entries) {
      json.writeStartObject();
      json.writeArrayFieldStart("names");
      for (ModelName name : entry.names()) {
        json.writeString(name.toString());
      }
      json.writeEndArray();
      json.writeStringField("id", entry.id().hex());
      json.writeNumberField("bytes", entry.bytes());
      json.writeNumberField("bytes_present", entry.bytesPresent());
      json.writeStringField("used", entry.used().toString());
      json.writeStringField("source", entry.source());
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
