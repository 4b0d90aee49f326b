package dev.sluice.actors.security;

import akka.actor.ActorSystem;
import akka.remote.artery.tcp.SSLEngineProvider;
import akka.remote.artery.tcp.ssl.RotatingKeysSSLEngineProvider;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/** Akka's own TLS, with a count of those who are turned away. Found by its name in the settings. */
public final class CountedTls implements SSLEngineProvider {
  private static final Logger LOG = LoggerFactory.getLogger(CountedTls.class);

  private final SSLEngineProvider tls;
  private final HandshakeLedger ledger = new HandshakeLedger(System::nanoTime, LOG::warn);

  /** For Akka. */
  public CountedTls(ActorSystem system) {
    tls = new RotatingKeysSSLEngineProvider(system);
  }

  @Override
  public SSLEngine createServerSSLEngine(String hostname, int port) {
    ledger.started();
    return tls.createServerSSLEngine(hostname, port);
  }

  @Override
  public SSLEngine createClientSSLEngine(String hostname, int port) {
    return tls.createClientSSLEngine(hostname, port);
  }

  @Override
  public Option<Throwable> verifyClientSession(String hostname, SSLSession session) {
    return tls.verifyClientSession(hostname, session);
  }

  /** Of a session that this end serves: the certificate is good; whether it is this cluster's? */
  @Override
  public Option<Throwable> verifyServerSession(String hostname, SSLSession session) {
    Option<Throwable> failure = tls.verifyServerSession(hostname, session);
    if (failure.isEmpty()) {
      ledger.accepted();
    } else {
      ledger.refused();
    }
    return failure;
  }
}
