package dev.sluice.ops;

import akka.stream.KillSwitches;
import akka.stream.UniqueKillSwitch;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.ChatTemplate;
import dev.sluice.stages.chat.ChatTemplateException;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice chat}: a conversation. */
@Command(
    name = "chat",
    description = {
      "A conversation with the model.",
      "Ctrl-C stops an answer; Ctrl-D or /exit ends; /clear starts anew; /help lists more."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ChatCommand implements Runnable {
  private static final String HELP =
      """
      /clear      forget the conversation
      /history    show it
      /retry      answer the last question again (with another seed)
      /exit       end (also Ctrl-D)
      Ctrl-C      stop the answer\
      """;

  @Mixin private ModelOption model = new ModelOption();
  @Mixin private SamplingOptions sampling = new SamplingOptions();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "What the model is told before the conversation.")
  private @Nullable String system;

  @Override
  public void run() {
    try (Session session = Session.open(model, cluster, _ -> engine.pipeline(1));
        Terminal terminal = terminal()) {
      new Dialogue(session, terminal).run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A dumb terminal, without editing, where standard input is none. */
  private static Terminal terminal() throws IOException {
    return TerminalBuilder.builder().name("sluice").dumb(true).build();
  }

  /** The conversation of one session on one terminal. */
  private final class Dialogue {
    private final Session session;
    private final Terminal terminal;
    private final ChatTemplate template;
    private final Conversation conversation = new Conversation(system);
    private long seed = sampling.seed();

    Dialogue(Session session, Terminal terminal) {
      this.session = session;
      this.terminal = terminal;
      this.template = ChatTemplate.of(session.file().metadata(), session.tokenizer());
    }

    void run() {
      LineReader reader = LineReaderBuilder.builder().terminal(terminal).appName("sluice").build();
      if (template.source() != ChatTemplate.Source.MODEL) {
        String form =
            template.source() == ChatTemplate.Source.CHATML
                ? "ChatML"
                : "User: and Assistant: lines";
        terminal.writer().println("(The model has no chat template; it is asked in " + form + ".)");
      }
      boolean more = true;
      while (more) {
        try {
          more = onLine(reader.readLine("> ").strip());
        } catch (UserInterruptException e) {
          terminal.writer().println("(Ctrl-D or /exit ends)");
        } catch (EndOfFileException e) {
          more = false;
        }
      }
    }

    private boolean onLine(String line) {
      switch (line) {
        case "" -> {}
        case "/exit", "/quit", "/bye" -> {
          return false;
        }
        case "/clear" -> conversation.clear();
        case "/help", "/?" -> terminal.writer().println(HELP);
        case "/history" ->
            conversation
                .messages()
                .forEach(m -> terminal.writer().println(m.role() + ": " + m.content()));
        case "/retry" -> {
          if (conversation.dropAnswer()) {
            seed++;
            answer();
          } else {
            terminal.writer().println("There is no answer to retry.");
          }
        }
        default -> {
          if (line.startsWith("/")) {
            terminal.writer().println("Unknown command " + line + "; /help lists them.");
          } else {
            conversation.add(new ChatMessage("user", line));
            answer();
          }
        }
      }
      terminal.flush();
      return true;
    }

    private void answer() {
      try {
        conversation.add(new ChatMessage("assistant", generate(prompt())));
      } catch (CompletionException
          | GenerationException
          | ChatTemplateException
          | CommandException e) {
        conversation.dropQuestion();
        terminal.writer().println();
        terminal.writer().println("sluice: " + Failures.message(e));
      }
      terminal.flush();
    }

    /** The ids of the conversation; its oldest turns go when it outgrows the context. */
    private int[] prompt() {
      int room = session.contextTokens() * 3 / 4;
      int[] ids = template.encode(session.tokenizer(), conversation.messages(), true);
      while (ids.length > room && conversation.dropOldestTurn()) {
        terminal
            .writer()
            .println("(the conversation outgrew the context; its oldest turn is gone)");
        ids = template.encode(session.tokenizer(), conversation.messages(), true);
      }
      return ids;
    }

    private String generate(int[] ids) {
      TextRequest request =
          sampling.request(
              new TextRequest.Prompt.Ids(Arrays.stream(ids).boxed().toList()),
              seed,
              template.stopStrings());
      StringBuilder answer = new StringBuilder();
      var stream =
          Source.single(request)
              .viaMat(session.text(), Keep.right())
              .viaMat(KillSwitches.single(), Keep.right())
              .toMat(Sink.foreach(event -> show(event, answer)), Keep.both())
              .run(session.engine().system());
      UniqueKillSwitch stop = stream.first();
      CompletionStage<?> done = stream.second();
      Terminal.SignalHandler previous = terminal.handle(Terminal.Signal.INT, _ -> stop.shutdown());
      try {
        done.toCompletableFuture().join();
      } finally {
        terminal.handle(Terminal.Signal.INT, previous);
      }
      terminal.writer().println();
      return answer.toString();
    }

    private void show(TextEvent event, StringBuilder answer) {
      if (event instanceof TextEvent.Piece piece) {
        answer.append(piece.text());
        terminal.writer().print(piece.text());
        terminal.flush();
      }
    }
  }
}
