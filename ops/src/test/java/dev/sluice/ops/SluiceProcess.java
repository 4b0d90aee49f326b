package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The command line in a process of its own, as people start it. */
final class SluiceProcess implements AutoCloseable {
  private static final long LIMIT_SECONDS = 300;

  private final Process process;
  private final Path out;
  private final Path err;

  private SluiceProcess(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  /** What a finished process said. */
  record Result(int exitCode, String out, String err) {
    List<String> lines() {
      return out.lines().toList();
    }
  }

  /** Starts the command line with its output going to files in {@code folder}. */
  static SluiceProcess start(Path folder, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(command());
    command.addAll(List.of(arguments));
    return startCommand(folder, command);
  }

  /** The command that {@code ./sluice} stands for, without arguments. */
  static List<String> command() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--add-modules=jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "-XX:+UseSerialGC",
        "-Xmx1g",
        "-cp",
        System.getProperty("java.class.path"),
        Sluice.class.getName());
  }

  /**
   * The command, for a process that takes nobody for lost who has been silent for less than that.
   *
   * @param patience as settings have it, such as 8s
   */
  static List<String> patientCommand(String patience) {
    List<String> command = new ArrayList<>(List.of("env", "SLUICE_CLUSTER_PATIENCE=" + patience));
    command.addAll(command());
    return command;
  }

  /** Starts any command in {@code folder}, with its output going to files there. */
  static SluiceProcess startCommand(Path folder, List<String> command) throws IOException {
    Path out = Files.createTempFile(folder, "out", ".txt");
    Path err = Files.createTempFile(folder, "err", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    // Where layers go must depend on what a test says, not on what else the machine does.
    builder.environment().put("SLUICE_NODE_MEASURE", "false");
    return new SluiceProcess(builder.start(), out, err);
  }

  /** Runs the command line to its end, with nothing on standard input. */
  static Result run(Path folder, String... arguments) throws IOException, InterruptedException {
    return runWithInput(folder, "", arguments);
  }

  /** Runs the command line to its end. */
  static Result runWithInput(Path folder, String input, String... arguments)
      throws IOException, InterruptedException {
    try (SluiceProcess process = start(folder, arguments)) {
      process.process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
      return process.awaitWithoutInput();
    }
  }

  /** Ends the process's standard input, and waits for its end. */
  Result awaitWithoutInput() throws IOException, InterruptedException {
    process.getOutputStream().close();
    return await();
  }

  long pid() {
    return process.pid();
  }

  boolean alive() {
    return process.isAlive();
  }

  /** What is on standard output by now. */
  String output() throws IOException {
    return Files.readString(out);
  }

  /** What is on standard error by now. */
  String errors() {
    try {
      return Files.readString(err);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends a signal, as {@code kill} does. */
  void signal(String name) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
    assertThat(kill.waitFor()).isZero();
  }

  /** Waits for the end. */
  Result await() throws IOException, InterruptedException {
    assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS))
        .as("the process ends by itself; its errors: %s", Files.readString(err))
        .isTrue();
    return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  @Override
  public void close() {
    // A shell's children outlive it.
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
