package dev.sluice.model.reference;

import org.nd4j.linalg.factory.Nd4j;

/** Starts ND4J, once, with settings that suit a guest in somebody else's process. */
final class Nd4jRuntime {
  private Nd4jRuntime() {}

  /**
   * Starts ND4J where it does not run yet.
   *
   * @throws IllegalStateException when it does not start
   */
  static void start() {
    // ND4J reports the machine at every start; that is nobody's answer here.
    setUnlessGiven("org.nd4j.log.initialization", "false");
    // JavaCPP refuses to allocate when the process as a whole (heap, mapped model file, weights)
    // is larger than four times the heap's limit. The weights lie outside the heap and are
    // measured against the machine's memory when they are loaded.
    setUnlessGiven("org.bytedeco.javacpp.maxphysicalbytes", "0");
    setUnlessGiven("org.bytedeco.javacpp.maxbytes", "0");
    try {
      // One thread for what is done element by element: starting a team costs more than most of
      // these operations, and teams of several shards in a process take the cores from each other
      // (measured: ten times slower). Matrix products keep the threads that OpenBLAS gives them.
      Nd4j.getEnvironment().setMaxMasterThreads(1);
    } catch (LinkageError e) {
      throw new IllegalStateException(
          "ND4J does not start on "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch")
              + " ("
              + e
              + "). Use the vector backend, which needs no native library",
          e);
    }
  }

  private static void setUnlessGiven(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
