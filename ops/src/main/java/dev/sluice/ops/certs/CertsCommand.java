package dev.sluice.ops.certs;

import dev.sluice.ops.Streams;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice certs}: what the nodes of a cluster need to trust each other. */
@Command(
    name = "certs",
    description =
        "Makes what the nodes of a cluster need to trust each other, as files for"
            + " sluice.security.*: an authority, certificates, and a secret.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "VERB",
    subcommands = {CertsCommand.Init.class, CertsCommand.Node.class})
public final class CertsCommand implements Runnable {
  private static final String FOLDER = "certs";

  /** What can be a part of a file's name, and of a host's. */
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?");

  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9.:-]{1,253}");
  private static final int MAX_DAYS = 36_500;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which one, init or node?");
  }

  /** {@code sluice certs init}. */
  @Command(
      name = "init",
      description = "Makes an authority (ca.pem, ca-key.pem) and a secret for a new cluster.",
      mixinStandardHelpOptions = true)
  static final class Init implements Runnable {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
        names = "--cluster",
        paramLabel = "NAME",
        defaultValue = "sluice",
        description = "The name that stands in every certificate (default: ${DEFAULT-VALUE}).")
    private String cluster = "";

    @Option(
        names = "--days",
        paramLabel = "N",
        defaultValue = "3650",
        description = "How long the authority is valid (default: ${DEFAULT-VALUE}).")
    private int days;

    @Option(
        names = {"-o", "--output"},
        paramLabel = "DIR",
        defaultValue = FOLDER,
        description = "Where the files go (default: ${DEFAULT-VALUE}).")
    private Path folder = Path.of("");

    @Override
    public void run() {
      checkName(spec, "--cluster", cluster);
      Duration valid = valid(spec, days);
      CertificateFolder files = new CertificateFolder(folder);
      files.writeAuthority(CertificateAuthority.create(cluster, Instant.now(), valid));
      PrintStream out = Streams.out();
      out.println(files.caCertificate());
      out.println(files.caKey());
      out.println(files.secret());
    }
  }

  /** {@code sluice certs node}. */
  @Command(
      name = "node",
      description =
          "Makes a node's certificate and key (NAME.pem, NAME-key.pem). A node needs these two,"
              + " ca.pem and secret; ca-key.pem stays where it is.",
      mixinStandardHelpOptions = true)
  static final class Node implements Runnable {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(index = "0", paramLabel = "NAME", description = "The node's name.")
    private String name = "";

    @Option(
        names = "--host",
        paramLabel = "HOST",
        description = "A name or address of the node. May be given several times.")
    private List<String> hosts = List.of();

    @Option(
        names = "--days",
        paramLabel = "N",
        defaultValue = "825",
        description = "How long the certificate is valid (default: ${DEFAULT-VALUE}).")
    private int days;

    @Option(
        names = {"-o", "--output"},
        paramLabel = "DIR",
        defaultValue = FOLDER,
        description = "Where the authority is and the files go (default: ${DEFAULT-VALUE}).")
    private Path folder = Path.of("");

    @Override
    public void run() {
      checkName(spec, "NAME", name);
      if (name.equals("ca") || name.endsWith("-key")) {
        throw new ParameterException(
            spec.commandLine(), "NAME: '" + name + "' would be taken for another's file");
      }
      for (String host : hosts) {
        if (!HOST.matcher(host).matches()) {
          throw new ParameterException(
              spec.commandLine(), "--host: '" + host + "' is no name or address of a host");
        }
      }
      Duration valid = valid(spec, days);
      CertificateFolder files = new CertificateFolder(folder);
      files.writeNode(name, files.readAuthority().node(name, hosts, Instant.now(), valid));
      PrintStream out = Streams.out();
      out.println(files.certificate(name));
      out.println(files.key(name));
    }
  }

  private static void checkName(CommandSpec spec, String what, String name) {
    if (!NAME.matcher(name).matches()) {
      throw new ParameterException(
          spec.commandLine(),
          "%s: 1 to 63 letters, digits and hyphens, not '%s'".formatted(what, name));
    }
  }

  private static Duration valid(CommandSpec spec, int days) {
    if (days < 1 || days > MAX_DAYS) {
      throw new ParameterException(
          spec.commandLine(), "--days: 1 to %d, not %d".formatted(MAX_DAYS, days));
    }
    return Duration.ofDays(days);
  }
}
